/*
 * A file in which folders lie mixed, and in which going back is dear (feed.h): all its folders are copied side by side,
 * stretch by stretch of the file. Of each folder's todo only what belongs to the turn is streamed; the rest waits in
 * `later`, and the folder itself until every other one has come as far.
 */
#include "copy.h"
#include "feed.h"

#include "banned.h"

static const struct feed_turns *turns_of(const struct job *j)
{
	return feed_turns(j->cp->o->from.feed, j->src->raw);
}

bool turn_has_come(const struct job *j)
{
	const struct feed_turns *t = turns_of(j);

	return t == NULL || j->trial || j->reconcile || j->search || j->todo.n == 0 ||
	        feed_turn_of(t, j->todo.r[0].lo) <= j->cp->turn;
}

bool turn_next(struct copy *cp)
{
	uint32_t next = UINT32_MAX;

	for (size_t i = 0; i < cp->njobs; i++) {
		const struct job *j = &cp->jobs[i];

		if (j->phase == JOB_WAITING && !turn_has_come(j)) {
			uint32_t turn = feed_turn_of(turns_of(j), j->todo.r[0].lo);

			next = turn < next ? turn : next;
		}
	}
	if (next == UINT32_MAX)
		return false;
	cp->turn = next;
	return true;
}

void turn_cut(struct job *j)
{
	const struct feed_turns *t = turns_of(j);
	uint32_t last;

	if (t == NULL || j->trial)
		return;
	last = feed_turn_last(t, j->cp->turn);
	uidset_add_set(&j->later, &j->todo);
	uidset_clip(&j->later, last + 1, UINT32_MAX);
	uidset_sub(&j->todo, &j->later);
}

bool turn_more(struct job *j)
{
	if (j->later.n == 0 || j->failed)
		return false;
	uidset_clear(&j->todo);
	uidset_add_set(&j->todo, &j->later);
	uidset_clear(&j->later);
	uidset_clear(&j->came);
	j->looked = false;
	j->phase = JOB_WAITING;
	return true;
}
