/* Any bytes as a zip. */
#include "archive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return read_archive(&source_zip, data, size);
}
