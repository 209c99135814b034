/* Any bytes as an archive: the index is built and every message of it read, twice the same. */
#ifndef ARCHIVE_H
#define ARCHIVE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "source.h"
#include "source_kinds.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool sum_up(void *arg, const void *p, size_t n)
{
	uint64_t *sum = arg;

	for (size_t i = 0; i < n; i++)
		*sum = *sum * 31 + ((const uint8_t *)p)[i];
	return true;
}

static inline int read_archive(const struct source_kind *kind, const uint8_t *data, size_t size)
{
	struct source s;
	char path[64];
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	source_init(&s, kind, NULL, NULL);
	if (source_open(&s, path) == NULL)
		for (size_t i = 0; i < s.nf; i++)
			for (uint32_t k = 0; k < s.f[i].n && k < 50; k++) {
				uint64_t a = 0, b = 0;

				if (s.f[i].m[k].flags & SOURCE_BROKEN)
					continue;
				s.kind->read(&s, &s.f[i], &s.f[i].m[k], sum_up, &a);
				s.kind->read(&s, &s.f[i], &s.f[i].m[k], sum_up, &b);
				if (a != b)
					abort();
			}
	source_free(&s);
	close(fd);
	return 0;
}

#endif
