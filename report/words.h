/* The report's words in Portuguese and English. */
#ifndef REPORT_WORDS_H
#define REPORT_WORDS_H

#include <stdbool.h>

enum word {
#define WORD(id, en, pt) W_##id,
#include "words_table.h"
#undef WORD
	WORD_COUNT
};

void words_choose(bool pt); /* once, at the start */
bool words_pt(void);
const char *word(enum word w);
/* The same with values (NULL-terminated) where {} stands; the caller's. */
char *words_fill(enum word w, const char *const *values);
/* What a code of the API is called (a pass, a status, a class, a verdict …); the code itself when it has no name. */
const char *word_of_code(const char *code);

#endif
