#include "words.h"

#include <string.h>

#include "buf.h"
#include "gate.h"

#include "banned.h"

static bool portuguese;

static const char *const texts[WORD_COUNT][2] = {
#define WORD(id, en, pt) {en, pt},
#include "words_table.h"
#undef WORD
};

static const struct {
	const char *code, *en, *pt;
} codes[] = {
	{"ready_for_dns", "Yes: ready for DNS", "Sim: pronto para DNS"},
	{"blocked", "No: blocked", "Não: bloqueado"},
	{"warning", "Not yet", "Ainda não"},
	{"dns_applied", "It has been changed", "Já foi alterado"},
	{"approve", "approved", "aprovou"},
	{"revoke", "revoked", "revogou"},
	{"override", "overrode", "contornou"},
	{"initial", "initial", "inicial"},
	{"delta", "delta", "delta"},
	{"final", "final", "final"},
	{"recopy", "copied again", "copiada de novo"},
	{"rollback", "rolled back", "revertida"},
	{"succeeded", "complete", "completa"},
	{"partial", "with refusals", "com recusas"},
	{"failed", "failed", "falhou"},
	{"cancelled", "cancelled", "cancelada"},
	{"unexplained", "unexplained", "sem explicação"},
	{"missing", "missing messages", "mensagens em falta"},
	{"weak", "weakly recognised", "reconhecidas fracamente"},
	{"refusal", "refused messages", "mensagens recusadas"},
	{"excluded", "excluded by rules", "excluídas por regras"},
	{"source.empty", "an empty source", "uma origem vazia"},
	{"source.shrank", "a source that shrank", "uma origem que encolheu"},
	{"dns_apply", "by this service, at the DNS provider", "por este serviço, no fornecedor de DNS"},
	{"dns_read", "seen at the name servers", "visto nos servidores de nomes"},
	{"webhook", "said by the DNS wizard", "dito pelo assistente de DNS"},
	{"quiet", "nothing new came any more, the old server may be shut down",
		"nada mais chegou, o servidor antigo pode ser desligado"},
	{"closed", "the job was closed", "o trabalho foi fechado"},
	{"mailbox.removed", "a removed mailbox", "uma caixa retirada"},
};

void words_choose(bool pt)
{
	portuguese = pt;
}

bool words_pt(void)
{
	return portuguese;
}

const char *word(enum word w)
{
	return texts[w][portuguese];
}

char *words_fill(enum word w, const char *const *values)
{
	struct buf b = BUF_INIT;

	for (const char *s = word(w); *s != '\0'; s++) {
		if (strncmp(s, "{}", 2) == 0 && *values != NULL) {
			buf_adds(&b, *values++);
			s++;
		} else {
			buf_addc(&b, *s);
		}
	}
	return buf_detach(&b);
}

const char *word_of_code(const char *code)
{
	enum gate_code reason;

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(codes[i].code, code) == 0)
			return portuguese ? codes[i].pt : codes[i].en;
	return gate_code_parse(code, &reason) ? gate_code_text(reason, portuguese) : code;
}
