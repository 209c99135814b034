/*
 * Is a line the limit? Then what goes over it is compressed. A side is judged slow when the copy has waited for it
 * most of two seconds, and less came through than what zlib does with a fraction of one CPU,
 * so that a server which is slow for another reason loses next to nothing.
 */
#include "clock.h"
#include "copy.h"
#include "log.h"

#include "banned.h"

#define LOOKS 8             /* of copy.c's clock: 250 ms each */
#define WORTH_IT (8u << 20) /* bytes still to come: for less it does not pay */

/* Bytes a second, all connections together. Below these a server's zlib has a quarter of one CPU to do for us as it
 * compresses (18 MB/s at Dovecot's level 6), and a tenth as it decompresses. */
static const uint64_t slow[LINE_SIDES] = {[LINE_SRC] = 4u << 20, [LINE_DST] = 10u << 20};

static uint64_t moved(const struct copy *cp, enum line_side side)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < cp->npairs; i++) {
		const struct pair *p = &cp->pairs[i];

		if (!p->dead && p->src != NULL && side == LINE_SRC)
			n += imap_bytes_in(p->src);
		if (!p->dead && p->dst != NULL && side == LINE_DST)
			n += imap_bytes_out(p->dst);
	}
	return n;
}

/* Some connection of this side keeps us waiting now. */
static bool waiting(const struct copy *cp, enum line_side side)
{
	for (unsigned i = 0; i < cp->npairs; i++) {
		const struct pair *p = &cp->pairs[i];

		if (p->dead || !p->src_ready || !p->dst_ready)
			continue;
		if (side == LINE_SRC ? p->tasks > 0 && !imap_paused(p->src)
				     : imap_paused(p->src) || imap_out_pending(p->dst) >= IMAP_OUT_LOW)
			return true;
	}
	return false;
}

void line_ready(struct pair *p, enum line_side side)
{
	struct copy *cp = p->cp;

	if (cp->o->compress == COMPRESS_ALWAYS || cp->line[side].slow)
		imap_compress(side == LINE_SRC ? p->src : p->dst);
}

static void squeeze(struct copy *cp, enum line_side side, uint64_t rate)
{
	const char *name = side == LINE_SRC ? "source" : "destination";
	bool offered = false;

	cp->line[side].slow = true;
	for (unsigned i = 0; i < cp->npairs; i++) {
		struct pair *p = &cp->pairs[i];
		struct imap_conn *c = side == LINE_SRC ? p->src : p->dst;

		if (p->dead || !(side == LINE_SRC ? p->src_ready : p->dst_ready))
			continue;
		offered = offered || imap_has(c, "COMPRESS=DEFLATE");
		/* COMPRESS stands between commands: append_close sends it behind the one that is being written */
		if (side == LINE_SRC || p->batch == NULL)
			imap_compress(c);
	}
	if (offered)
		log_info("%s: the line is the limit (%llu KB/s): compressing", name, (unsigned long long)(rate / 1000));
}

void line_look(struct copy *cp)
{
	int64_t now = clock_mono_ms();

	if (cp->o->compress != COMPRESS_AUTO || !cp->planned || cp->finishing || cp->bytes_total < cp->copied_bytes + WORTH_IT)
		return;
	for (unsigned side = 0; side < LINE_SIDES; side++) {
		struct line *l = &cp->line[side];
		uint64_t n = moved(cp, side), rate;

		if (l->slow)
			continue;
		if (n < l->from || l->looks == 0) {
			*l = (struct line){.looks = 1, .since = now, .from = n};
			continue;
		}
		l->waits += waiting(cp, side);
		if (++l->looks <= LOOKS)
			continue;
		rate = (n - l->from) * 1000 / (uint64_t)(now - l->since + 1);
		if (rate < slow[side] && l->waits >= LOOKS - LOOKS / 4) /* the kernel takes a megabyte at once, now and then */
			squeeze(cp, side, rate);
		else
			l->looks = 0;
	}
}
