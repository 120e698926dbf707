// SPDX-License-Identifier: GPL-2.0
/* A display and a GPU that honour implicit fences: vkms and vgem. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <drm.h>
#include <drm_fourcc.h>
#include <drm_mode.h>

#include "units.h"

#define JOB_MS	600
#define WIDTH	640
#define HEIGHT	480
#define CRC_DATA	"/sys/kernel/debug/dri/vkms/crtc-0/crc/data"

/* One plane, CRTC and connector of vkms, driven by atomic commits. */
struct display {
	int fd;
	uint32_t crtc, connector, plane, mode;
};

/* What a framebuffer shows, from the upper left corner of the screen. */
struct picture {
	uint32_t format, width, height;
};

static const struct picture whole_screen = { DRM_FORMAT_RGB565, WIDTH, HEIGHT };
static const struct picture unit_frame = { DRM_FORMAT_NV12, UNIT_SIZE, UNIT_SIZE };

struct commit {
	uint32_t objects[3], counts[3], props[16];
	uint64_t values[16];
	unsigned int n_objects, n_props;
};

static uint32_t property(int fd, uint32_t object, uint32_t type, const char *name)
{
	struct drm_mode_obj_get_properties all = { .obj_id = object, .obj_type = type };
	uint32_t ids[64];
	uint64_t values[64];

	all.props_ptr = (uintptr_t)ids;
	all.prop_values_ptr = (uintptr_t)values;
	all.count_props = ARRAY_SIZE(ids);
	NEED(ioctl(fd, DRM_IOCTL_MODE_OBJ_GETPROPERTIES, &all));
	for (unsigned int i = 0; i < all.count_props && i < ARRAY_SIZE(ids); i++) {
		struct drm_mode_get_property one = { .prop_id = ids[i] };

		if (!ioctl(fd, DRM_IOCTL_MODE_GETPROPERTY, &one) && !strcmp(one.name, name))
			return ids[i];
	}
	fail("vkms has no property %s", name);
}

static void add_object(struct commit *k, uint32_t object)
{
	k->objects[k->n_objects] = object;
	k->counts[k->n_objects++] = 0;
}

static void add(struct display *v, struct commit *k, uint32_t type, const char *name,
		uint64_t value)
{
	k->props[k->n_props] = property(v->fd, k->objects[k->n_objects - 1], type, name);
	k->values[k->n_props++] = value;
	k->counts[k->n_objects - 1]++;
}

static void commit(struct display *v, struct commit *k, uint32_t flags)
{
	struct drm_mode_atomic arg = {
		.flags = flags, .count_objs = k->n_objects,
		.objs_ptr = (uintptr_t)k->objects, .count_props_ptr = (uintptr_t)k->counts,
		.props_ptr = (uintptr_t)k->props, .prop_values_ptr = (uintptr_t)k->values,
	};

	NEED(ioctl(v->fd, DRM_IOCTL_MODE_ATOMIC, &arg));
}

static uint32_t find_mode(struct display *v)
{
	struct drm_mode_get_connector c = { .connector_id = v->connector };
	struct drm_mode_modeinfo modes[64];
	struct drm_mode_create_blob blob = { .length = sizeof(modes[0]) };
	uint32_t encoders[8];

	NEED(ioctl(v->fd, DRM_IOCTL_MODE_GETCONNECTOR, &c));
	c = (struct drm_mode_get_connector){
		.connector_id = v->connector, .modes_ptr = (uintptr_t)modes,
		.count_modes = ARRAY_SIZE(modes), .encoders_ptr = (uintptr_t)encoders,
		.count_encoders = ARRAY_SIZE(encoders),
	};
	NEED(ioctl(v->fd, DRM_IOCTL_MODE_GETCONNECTOR, &c));
	for (unsigned int i = 0; i < c.count_modes && i < ARRAY_SIZE(modes); i++)
		if (modes[i].hdisplay == WIDTH && modes[i].vdisplay == HEIGHT)
			blob.data = (uintptr_t)&modes[i];
	EXPECT(blob.data, "vkms has no mode of %ux%u", WIDTH, HEIGHT);
	NEED(ioctl(v->fd, DRM_IOCTL_MODE_CREATEPROPBLOB, &blob));
	return blob.blob_id;
}

static struct display open_display(void)
{
	struct drm_set_client_cap planes = { DRM_CLIENT_CAP_UNIVERSAL_PLANES, 1 };
	struct drm_set_client_cap atomic = { DRM_CLIENT_CAP_ATOMIC, 1 };
	uint32_t crtcs[8], connectors[8], encoders[8], all_planes[16];
	struct drm_mode_card_res res = {
		.crtc_id_ptr = (uintptr_t)crtcs, .count_crtcs = 8,
		.connector_id_ptr = (uintptr_t)connectors, .count_connectors = 8,
		.encoder_id_ptr = (uintptr_t)encoders, .count_encoders = 8,
	};
	struct drm_mode_get_plane_res plane_res = {
		.plane_id_ptr = (uintptr_t)all_planes, .count_planes = 16,
	};
	struct display v = { .fd = NEED(drm_open("vkms")) };

	NEED(ioctl(v.fd, DRM_IOCTL_SET_CLIENT_CAP, &planes));
	NEED(ioctl(v.fd, DRM_IOCTL_SET_CLIENT_CAP, &atomic));
	NEED(ioctl(v.fd, DRM_IOCTL_MODE_GETRESOURCES, &res));
	NEED(ioctl(v.fd, DRM_IOCTL_MODE_GETPLANERESOURCES, &plane_res));
	v.crtc = crtcs[0];
	v.connector = connectors[0];
	v.plane = all_planes[0];
	v.mode = find_mode(&v);
	return v;
}

static uint32_t framebuffer(struct display *v, const struct picture *p, int dmabuf)
{
	struct drm_mode_fb_cmd2 fb = {
		.width = p->width, .height = p->height, .pixel_format = p->format,
		.handles = { drm_import(v->fd, dmabuf) }, .pitches = { p->width },
	};

	if (p->format == DRM_FORMAT_NV12) {
		fb.handles[1] = fb.handles[0];
		fb.pitches[1] = p->width;
		fb.offsets[1] = p->width * p->height;
	} else {
		fb.pitches[0] = p->width * 2;
	}
	NEED(ioctl(v->fd, DRM_IOCTL_MODE_ADDFB2, &fb));
	return fb.fb_id;
}

static void first_commit(struct display *v, const struct picture *p, uint32_t fb)
{
	struct commit k = { 0 };

	add_object(&k, v->crtc);
	add(v, &k, DRM_MODE_OBJECT_CRTC, "MODE_ID", v->mode);
	add(v, &k, DRM_MODE_OBJECT_CRTC, "ACTIVE", 1);
	add_object(&k, v->connector);
	add(v, &k, DRM_MODE_OBJECT_CONNECTOR, "CRTC_ID", v->crtc);
	add_object(&k, v->plane);
	add(v, &k, DRM_MODE_OBJECT_PLANE, "FB_ID", fb);
	add(v, &k, DRM_MODE_OBJECT_PLANE, "CRTC_ID", v->crtc);
	add(v, &k, DRM_MODE_OBJECT_PLANE, "SRC_X", 0);
	add(v, &k, DRM_MODE_OBJECT_PLANE, "SRC_Y", 0);
	add(v, &k, DRM_MODE_OBJECT_PLANE, "SRC_W", (uint64_t)p->width << 16);
	add(v, &k, DRM_MODE_OBJECT_PLANE, "SRC_H", (uint64_t)p->height << 16);
	add(v, &k, DRM_MODE_OBJECT_PLANE, "CRTC_X", 0);
	add(v, &k, DRM_MODE_OBJECT_PLANE, "CRTC_Y", 0);
	add(v, &k, DRM_MODE_OBJECT_PLANE, "CRTC_W", p->width);
	add(v, &k, DRM_MODE_OBJECT_PLANE, "CRTC_H", p->height);
	commit(v, &k, DRM_MODE_ATOMIC_ALLOW_MODESET);
}

/* Milliseconds from the commit to the event that says it is on the screen. */
static double flip(struct display *v, uint32_t fb)
{
	struct commit k = { 0 };
	double begin = now_ms();
	char event[256];

	add_object(&k, v->plane);
	add(v, &k, DRM_MODE_OBJECT_PLANE, "FB_ID", fb);
	commit(v, &k, DRM_MODE_ATOMIC_NONBLOCK | DRM_MODE_PAGE_FLIP_EVENT);
	EXPECT(now_ms() - begin < 100, "a non-blocking commit took %.0f ms", now_ms() - begin);
	EXPECT(poll_fd(v->fd, POLLIN, 4000), "no flip event within 4 s");
	NEED(read(v->fd, event, sizeof(event)));
	return now_ms() - begin;
}

static void expect_flip_after(double took, unsigned int job_ms)
{
	note("flip to the buffer of a running job of %u ms: %.0f ms", job_ms, took);
	if (fences)
		EXPECT(took >= job_ms - 20 && took < job_ms + 100,
		       "the flip took %.0f ms, the job %u", took, job_ms);
	else
		EXPECT(took < 100, "the flip took %.0f ms without a fence to wait for", took);
}

static void flip_under_job(void)
{
	struct m2m c = m2m_vim2m(JOB_MS, MMAP, MMAP);
	int d[2] = { m2m_export(&c, c.capture, 0, 0), m2m_export(&c, c.capture, 1, 0) };
	struct display v = open_display();
	uint32_t fb[2] = {
		framebuffer(&v, &whole_screen, d[0]), framebuffer(&v, &whole_screen, d[1]),
	};
	double took;

	EXPECT(c.capture_size >= WIDTH * HEIGHT * 2, "vim2m's buffers are too small");
	first_commit(&v, &whole_screen, fb[1]);
	m2m_job(&c, 0);
	expect_flip_after(flip(&v, fb[0]), JOB_MS);
	EXPECT(m2m_finish(&c), "the job failed");
	took = flip(&v, fb[1]);
	EXPECT(took < 100, "a flip to an idle buffer took %.0f ms", took);
}

/*
 * The checksums of what was scanned out since the last call, one a refresh:
 * how many there were, how many others than *WANTED, or what the last one was.
 */
static unsigned int scanned_out(int crc, const uint32_t *wanted, uint32_t *last,
				unsigned int *others)
{
	unsigned int n = 0, frame, value;
	char line[64];
	ssize_t size;

	while ((size = read(crc, line, sizeof(line) - 1)) > 0) {
		line[size] = 0;
		EXPECT(sscanf(line, "%x %x", &frame, &value) == 2, "a checksum is '%s'", line);
		n++;
		if (wanted && value != *wanted)
			++*others;
		if (last)
			*last = value;
	}
	EXPECT(!size || errno == EAGAIN, "%s: %s", CRC_DATA, strerror(errno));
	return n;
}

/*
 * The unit works on memory of a dma-heap, since vkms cannot map what the video
 * decoders allocate.  Each refresh is looked at: the buffer under the job
 * holds something else than the frame that both buffers hold in the end.
 */
static void flip_under_unit(const struct unit *u)
{
	struct m2m c = unit_open(u, DMABUF);
	int heap[2] = { heap_buffer(c.capture_size), heap_buffer(c.capture_size) }, crc;
	struct display v = open_display();
	uint32_t fb[2] = {
		framebuffer(&v, &unit_frame, heap[0]), framebuffer(&v, &unit_frame, heap[1]),
	};
	unsigned int refreshes, others = 0;
	uint32_t frame;

	NEED(-m2m_queue(&c, c.capture, 1, heap[1], 0));
	NEED(-m2m_queue_output(&c, 1));
	EXPECT(m2m_finish(&c), "the first job failed");
	first_commit(&v, &unit_frame, fb[1]);
	crc = NEED(open(CRC_DATA, O_RDONLY | O_NONBLOCK | O_CLOEXEC));
	sleep_ms(100);
	EXPECT(scanned_out(crc, NULL, &frame, NULL), "there are no checksums");

	NEED(-m2m_queue(&c, c.capture, 0, heap[0], 0));
	NEED(-m2m_queue_output(&c, 0));
	expect_flip_after(flip(&v, fb[0]), unit_job_ms());
	EXPECT(m2m_finish(&c), "the job failed");
	unit_check_frame(u, map_dmabuf(heap[0], c.capture_size));
	sleep_ms(100);
	refreshes = scanned_out(crc, &frame, NULL, &others);
	note("%u of %u refreshes showed something else than a finished frame", others, refreshes);
	EXPECT(refreshes > unit_job_ms() / 20, "only %u refreshes were seen", refreshes);
	if (fences)
		EXPECT(!others, "%u of %u refreshes showed an unfinished frame", others, refreshes);
	else
		EXPECT(others, "no refresh showed the unfinished frame");
	close(crc);
}

static void flip_under_rkvdec(void)
{
	flip_under_unit(&units[UNIT_RKVDEC]);
}

static void flip_under_vpu(void)
{
	flip_under_unit(&units[UNIT_VPU]);
}

static void flip_under_rga(void)
{
	flip_under_unit(&units[UNIT_RGA]);
}

/* vgem does not wait: it refuses a buffer that is being written. */
static void vgem_refuses(void)
{
	struct m2m c = m2m_vim2m(300, MMAP, MMAP);
	int d = m2m_export(&c, c.capture, 0, 0), vgem = NEED(drm_open("vgem")), error;
	uint32_t handle = drm_import(vgem, d), fence = 0;

	m2m_job(&c, 0);
	error = vgem_attach(vgem, handle, false, &fence);
	EXPECT(error == (fences ? EBUSY : 0), "job running: %s", strerror(error));
	if (!error)
		vgem_signal(vgem, fence);
	EXPECT(m2m_finish(&c), "the job failed");
	error = vgem_attach(vgem, handle, false, &fence);
	EXPECT(!error, "job done: %s", strerror(error));
	vgem_signal(vgem, fence);
}

const struct test display_tests[] = {
	{ "display-flip-under-job", flip_under_job },
	{ "display-vgem-refuses", vgem_refuses },
	{ "driver-rkvdec-flip", flip_under_rkvdec },
	{ "driver-vpu-flip", flip_under_vpu },
	{ "driver-rga-flip", flip_under_rga },
	{ }
};
