/* SPDX-License-Identifier: GPL-2.0 */
/* Inside rkvdec's H.264 mode; the overview is in rkvdec-h264.c. */
#ifndef SILICON_RKVDEC_H264_H
#define SILICON_RKVDEC_H264_H

#include "avdec.h"
#include "h264-syntax.h"
#include "planes.h"
#include "rkvdec.h"

#define MAX_FRAME_NUM		(1u << H264_OUT_FRAME_NUM_BITS)
#define PICS			(H264_DPB_SIZE + 1)

#define RPS_WORDS		32

/* Masks of fields */
#define TOP_FIELD		1
#define BOTTOM_FIELD		2
#define FRAME			3

/* A reference frame of libavcodec's, or what there is of it yet. */
struct pic {
	AVFrame *frame;		/* NULL: free */
	uint32_t addr;		/* where its picture was written; 0: nowhere */
	uint8_t fields;		/* decoded */
	uint8_t unmarked;	/* of these, no references any more by the stream's word */
	int32_t poc[2];		/* in the registers' terms */
	uint32_t frame_num;	/* in the rewritten stream */
	bool long_term;
	uint32_t long_idx;	/* in the rewritten stream */
	bool host_short;	/* long_term, but not for libavcodec yet */
	uint64_t stamp[2];	/* of each field's motion vectors; 0: has none */
	uint8_t named;		/* fields, by the registers of the current job */
	uint8_t poisoned;	/* fields */
};

struct h264_state {
	struct avdec *dec;
	uint8_t sps[256];	/* NAL that dec was opened for */
	size_t sps_size;
	struct pic pics[PICS];
	uint32_t prev_ref_frame_num;
	int32_t poc_offset;	/* from the registers' POCs to the stream's */
	uint64_t stamps;
	unsigned int errors_in_row;
	/* The field that libavcodec would pair the next one with; no structure: none */
	struct {
		uint8_t structure;
		uint32_t addr;
		uint32_t frame_num;	/* in the rewritten stream */
		struct pic *pic;	/* NULL: no reference */
	} first;
};

struct nal {
	uint8_t *rbsp;		/* NAL header, then RBSP */
	size_t size;
};

struct ref {
	bool active;		/* DPB entry in use */
	bool missing;		/* in use, but there is no picture */
	uint8_t fields;		/* that may be predicted from */
	bool long_term;
	uint16_t frame_num;	/* FrameNumWrap or LongTermFrameIdx, low bits */
	uint32_t addr;
	int32_t poc[2];
	struct pic *pic;
};

/* An entry of a reference list. */
struct list_entry {
	struct pic *pic;
	uint8_t fields;
};

struct picture {
	struct rkvdec_run *run;
	struct h264_state *state;
	uint8_t *stream;
	struct nal *nals;
	struct h264_slice *slices;
	unsigned int n_slices;
	struct h264_ps *ps;	/* one a slice */
	uint32_t rps[RPS_WORDS];
	struct ref refs[H264_DPB_SIZE];
	int32_t poc[2];
	uint32_t frame_num;	/* in the rewritten stream */
	uint8_t structure;	/* TOP_FIELD, BOTTOM_FIELD or FRAME */
	bool second;		/* the other field of state->first */
	/* geometry */
	uint32_t out, stride, uv_offset, colmv_offset;
	unsigned int mb_width, mb_height;
	/* what the marking will do once decoded */
	struct h264_mmco mmcos[H264_MAX_MMCO];
	unsigned int n_mmcos;
	bool removed[PICS];
	uint8_t unmark[PICS];		/* fields */
	int32_t new_long_idx[PICS];	/* -1: as it is */
	int32_t cur_long_idx;		/* -1: short-term */
	bool reset;			/* memory_management_control_operation 5 */
	bool decoded;			/* libavcodec has begun and ended it */
};

#define complain(p, ...)	rkvdec_complain((p)->run, __VA_ARGS__)
#define debug(p, ...) do { \
		if ((p)->run->silicon->verbose) \
			rkvdec_complain((p)->run, __VA_ARGS__); \
	} while (0)

/* Registers may hold anything. */
static inline int32_t wrap_add(int32_t a, int32_t b)
{
	return (int32_t)((uint32_t)a + (uint32_t)b);
}

/* rkvdec-h264.c */
size_t h264_colmv_size(const struct picture *p);
/* Is the motion of a co-located picture, or of a field of it, still there? */
bool h264_check_colmv(struct picture *p, const struct ref *ref, uint8_t fields);
/* The lines of one field as a picture of their own. */
AVFrame h264_field_of(const AVFrame *frame, uint8_t field);
/*
 * A picture in libavcodec's DPB, to be filled with other bytes; NULL when there
 * is no room or libavcodec fails.
 */
struct pic *h264_add_blank(struct picture *p, bool idr, const int32_t poc[2],
			   bool long_term);

/* rkvdec-h264-refs.c */
void h264_pic_drop(struct pic *pic);
bool h264_read_refs(struct picture *p);
void h264_match_refs(struct picture *p);
unsigned int h264_count_pics(const struct h264_state *state);
/* NULL: none */
struct pic *h264_find_unnamed(struct h264_state *state);
struct pic *h264_find_free(struct h264_state *state);
/* The operation that makes libavcodec forget a picture. */
struct h264_mmco h264_mmco_remove(const struct pic *pic, uint32_t frame_num);
/* -1: none */
int32_t h264_free_long_idx(const struct h264_state *state);
/* Resolves a slice's lists as silicon would; may decode a blank picture. */
bool h264_resolve_lists(struct picture *p, unsigned int slice,
			struct list_entry lists[2][H264_MAX_LIST]);
/* Spells a list out as modifications of libavcodec's own. */
void h264_spell_list(const struct picture *p, const struct list_entry *list,
		     unsigned int size, struct h264_slice_out *out, unsigned int l);
/* Plans what marking does after decoding; then does the same to state->pics. */
void h264_plan_marking(struct picture *p);
void h264_commit_marking(struct picture *p, uint64_t stamp);

#endif
