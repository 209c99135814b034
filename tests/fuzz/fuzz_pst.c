/* Any bytes as a PST: the damage map ends, in bounds. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pst_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_text(void *arg, enum pst_map_kind kind, const char *text)
{
	(void)kind;
	*(unsigned *)arg += text[0] != '\0';
}

static void on_node(void *arg, uint32_t nid, uint32_t parent)
{
	*(unsigned *)arg += nid != parent;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pst_map *m = NULL;
	unsigned said = 0;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	if (pst_map_new(&m, fd, size, on_text, &said) == NULL) {
		pst_map_touched(m, 0x21);
		pst_map_unseen(m, on_node, &said);
		pst_map_free(m);
	}
	close(fd);
	return 0;
}
