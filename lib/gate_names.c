/* The gate's words: verdicts and reasons, with what they mean for people. */
#include <string.h>

#include "gate.h"

#include "banned.h"

static const char *const verdicts[GATE_VERDICT_COUNT] = {
        "blocked", "warning", "dns_applied", "ready_for_dns"};

static const struct {
	const char *name, *en, *pt;
} codes[GATE_CODE_COUNT] = {
        [GATE_DISABLED] = {"service.disabled", "The migration service is switched off.",
                "O serviço de migração está desligado."},
        [GATE_RUN_ACTIVE] = {"run.active",
                "A run that changes mail is queued or running: wait for it or cancel it.",
                "Há uma execução que altera correio na fila ou a correr: espere ou cancele-a."},
        [GATE_ROLLED_BACK] = {"rolled_back",
                "The move was rolled back: run a final pass on every mailbox again.",
                "A mudança foi revertida: faça de novo uma passagem final em todas as caixas."},
        [GATE_JOB_NONE] = {"job.none", "No open migration has this domain.",
                "Nenhuma migração aberta tem este domínio."},
        [GATE_JOB_EMPTY] = {"job.empty", "The migration has no mailboxes.",
                "A migração não tem caixas de correio."},
        [GATE_NOT_IN_JOB] = {"account.not_in_job",
                "The new server has accounts that no mailbox of this migration goes to: add them, or an ops lead "
                "accepts that.",
                "O novo servidor tem contas para onde nenhuma caixa desta migração vai: acrescente-as ou um ops lead "
                "aceita-o."},
        [GATE_REMOVED] = {"mailbox.removed",
                "A mailbox was removed from the migration: an ops lead must accept that.",
                "Uma caixa foi retirada da migração: um ops lead deve aceitá-lo."},
        [GATE_UNVERIFIED] = {"mailbox.unverified", "The mailbox was never verified: verify it.",
                "A caixa nunca foi verificada: verifique-a."},
        [GATE_VERIFY_PARTIAL] = {"mailbox.verify_partial",
                "The last verification could not read everything and proves nothing: verify again.",
                "A última verificação não conseguiu ler tudo e não prova nada: verifique de novo."},
        [GATE_BELOW_MINIMUM] = {"mailbox.below_minimum", "Too few messages were found at the destination.",
                "Foram encontradas mensagens a menos no destino."},
        [GATE_MISSING] = {"mailbox.missing_unexplained",
                "Messages are missing without an explanation: copy them again, or an ops lead accepts that.",
                "Faltam mensagens sem explicação: copie-as de novo ou um ops lead aceita-o."},
        [GATE_SOURCE_EMPTY] = {"source.empty",
                "The source holds no messages: is it the right account? An ops lead must accept it.",
                "A origem não tem mensagens: é a conta certa? Um ops lead deve aceitá-lo."},
        [GATE_SOURCE_SHRANK] = {"source.shrank",
                "The source holds fewer messages than before: an ops lead must accept that.",
                "A origem tem menos mensagens do que antes: um ops lead deve aceitá-lo."},
        [GATE_WEAK] = {"mailbox.weak_unaccepted",
                "Messages were recognised by their headers only: an ops lead must accept that.",
                "Há mensagens reconhecidas só pelos cabeçalhos: um ops lead deve aceitá-lo."},
        [GATE_REFUSALS] = {"mailbox.refusals_unaccepted",
                "The destination refused messages: see the quarantine; an ops lead must accept what stays "
                "there.",
                "O destino recusou mensagens: veja a quarentena; um ops lead deve aceitar o que lá ficar."},
        [GATE_EXCLUDED] = {"mailbox.excluded_unaccepted",
                "Rules exclude messages: an ops lead must accept that.",
                "Há mensagens excluídas por regras: um ops lead deve aceitá-lo."},
        [GATE_NONE_FINAL] = {"pass.none_final", "The final pass is still to be done.",
                "Falta a passagem final."},
        [GATE_NOT_LAST_FINAL] = {"pass.not_last_final",
                "Mail was changed after the final pass: do a final pass again.",
                "O correio foi alterado depois da passagem final: faça outra passagem final."},
        [GATE_PASS_FAILED] = {"pass.failed", "The last pass failed or was cancelled: run it again.",
                "A última passagem falhou ou foi cancelada: repita-a."},
        [GATE_VERIFY_STALE] = {"verify.stale", "The verification is older than the last pass: verify again.",
                "A verificação é anterior à última passagem: verifique de novo."},
        [GATE_NOT_APPROVED] = {"gate.not_approved", "Nobody who may do so has approved the gate.",
                "Ninguém com permissão aprovou a mudança."},
        [GATE_APPROVAL_VOID] = {"gate.approval_void", "The approval is void: what it approved has changed.",
                "A aprovação deixou de valer: o que foi aprovado mudou."},
        [GATE_APPLIED] = {"dns.applied", "MX has been changed.", "O MX foi alterado."},
        [GATE_APPLIED_UNREADY] = {"dns.applied_without_gate",
                "MX was changed although the gate was not ready.",
                "O MX foi alterado sem que a decisão o permitisse."},
};

const char *gate_verdict_name(enum gate_verdict v)
{
	return verdicts[v];
}

const char *gate_code_name(enum gate_code c)
{
	return codes[c].name;
}

bool gate_code_parse(const char *s, enum gate_code *c)
{
	for (int i = 0; i < GATE_CODE_COUNT; i++)
		if (strcmp(codes[i].name, s) == 0) {
			*c = (enum gate_code)i;
			return true;
		}
	return false;
}

const char *gate_code_text(enum gate_code c, bool pt)
{
	return pt ? codes[c].pt : codes[c].en;
}
