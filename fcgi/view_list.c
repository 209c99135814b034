#include "view.h"

#include <stdio.h>

#include "banned.h"

void view_next(struct writer *w, int64_t cursor)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)cursor);
	w_str(w, "next", cursor != 0 ? text : NULL);
}
