# The page: ES modules served as they are; no bundler. What comes from npm (pinned by
# package-lock.json) is copied to www/vendor. A tarball carries those copies, so that building from
# it needs no npm.
#
# $(builddir)/www/site is the page complete, a document root for a server that runs from the build tree.
www_files = \
	www/index.html \
	www/app.css \
	www/badge.js \
	www/favicon.svg \
	www/js/accept-form.js \
	www/js/account-paste.js \
	www/js/add-master.js \
	www/js/ahead.js \
	www/js/api.js \
	www/js/cell.js \
	www/js/chrome.js \
	www/js/csv-mapper.js \
	www/js/dialog.js \
	www/js/dns-back.js \
	www/js/dns-change.js \
	www/js/dns-cutover.js \
	www/js/dns-domain.js \
	www/js/dns-plan-form.js \
	www/js/dns-plan.js \
	www/js/failure.js \
	www/js/field.js \
	www/js/final-dialog.js \
	www/js/find-server.js \
	www/js/focus-keeper.js \
	www/js/folder-rules.js \
	www/js/format.js \
	www/js/gate-badge.js \
	www/js/gate-dialogs.js \
	www/js/gate-diff.js \
	www/js/gate-facts.js \
	www/js/gate-reason.js \
	www/js/gradual.js \
	www/js/html.js \
	www/js/i18n.js \
	www/js/icon.js \
	www/js/job-accounts.js \
	www/js/job-actions.js \
	www/js/job-add.js \
	www/js/job-check.js \
	www/js/job-details.js \
	www/js/job-dns.js \
	www/js/job-folders.js \
	www/js/job-gate.js \
	www/js/job-mailboxes.js \
	www/js/job-missing.js \
	www/js/job-report.js \
	www/js/job-runs.js \
	www/js/job-steps.js \
	www/js/job-verification.js \
	www/js/lazy.js \
	www/js/mailbox-paste.js \
	www/js/mailbox-quarantine.js \
	www/js/mailbox-state.js \
	www/js/main.js \
	www/js/memo.js \
	www/js/notice.js \
	www/js/poll.js \
	www/js/prefs.js \
	www/js/progress.js \
	www/js/rate.js \
	www/js/rebase.js \
	www/js/reconcile.js \
	www/js/router.js \
	www/js/run-log.js \
	www/js/server-fields.js \
	www/js/server-guess.js \
	www/js/session.js \
	www/js/theme.js \
	www/js/throughput-samples.js \
	www/js/throughput.js \
	www/js/upload-assign.js \
	www/js/upload-count.js \
	www/js/upload-kind.js \
	www/js/upload-list.js \
	www/js/upload-queue.js \
	www/js/upload-retry.js \
	www/js/use-act.js \
	www/js/view-audit.js \
	www/js/view-job.js \
	www/js/view-jobs.js \
	www/js/view-mailbox.js \
	www/js/view-new-job.js \
	www/js/view-settings.js \
	www/js/view-sign-in.js \
	www/js/view-uploads.js \
	www/js/view-users.js \
	www/words/en/add.js \
	www/words/en/audit.js \
	www/words/en/dns.js \
	www/words/en/evidence.js \
	www/words/en/folders.js \
	www/words/en/frame.js \
	www/words/en/gate.js \
	www/words/en/job.js \
	www/words/en/jobs.js \
	www/words/en/new.js \
	www/words/en/plot.js \
	www/words/en/runs.js \
	www/words/en/servers.js \
	www/words/en/settings.js \
	www/words/en/uploads.js \
	www/words/en/users.js \
	www/words/pt/add.js \
	www/words/pt/audit.js \
	www/words/pt/dns.js \
	www/words/pt/evidence.js \
	www/words/pt/folders.js \
	www/words/pt/frame.js \
	www/words/pt/gate.js \
	www/words/pt/job.js \
	www/words/pt/jobs.js \
	www/words/pt/new.js \
	www/words/pt/plot.js \
	www/words/pt/runs.js \
	www/words/pt/servers.js \
	www/words/pt/settings.js \
	www/words/pt/uploads.js \
	www/words/pt/users.js

# made from lib/err_table.h
www_made = www/js/problems.js

www_vendor = \
	www/vendor/preact.js \
	www/vendor/hooks.js \
	www/vendor/htm.js \
	www/vendor/tus.js \
	www/vendor/uplot.js \
	www/vendor/uplot.css \
	www/vendor/LICENSE-preact.txt \
	www/vendor/LICENSE-htm.txt \
	www/vendor/LICENSE-tus.txt \
	www/vendor/LICENSE-uplot.txt

nobase_dist_pkgdata_DATA = $(www_files) $(www_made) $(www_vendor)
EXTRA_DIST += www/problems.js.in package.json package-lock.json .npmrc

www/js/problems.js: $(srcdir)/www/problems.js.in $(srcdir)/lib/err_table.h
	$(AM_V_GEN)$(MKDIR_P) www/js && \
	$(CPP) -P -I$(srcdir)/lib -x c $(srcdir)/www/problems.js.in >$@.tmp && mv $@.tmp $@

# node_modules lives in the build tree: the source tree may be read-only.
NPM = npm
www_npm = www/npm

$(www_npm)/stamp: $(srcdir)/package-lock.json
	$(AM_V_GEN)rm -rf $(www_npm) && $(MKDIR_P) $(www_npm) && \
	cp $(srcdir)/package.json $(srcdir)/package-lock.json $(srcdir)/.npmrc $(www_npm)/ && \
	chmod u+w $(www_npm)/package.json $(www_npm)/package-lock.json $(www_npm)/.npmrc && \
	if ! (cd $(www_npm) && $(NPM) ci) >$(www_npm)/log 2>&1; then \
		cat $(www_npm)/log >&2; echo "npm ci failed: is npm (node 18 or newer) installed?" >&2; exit 1; fi && \
	touch $@

# The hooks name their sister by a bare specifier, which only a bundler or an import map resolves. tus-js-client and
# uPlot ship a script for browsers with all that it needs inside: around it stands what makes a module of it.
tus_modules = tus-js-client/LICENSE js-base64/LICENSE.md url-parse/LICENSE querystringify/LICENSE requires-port/LICENSE
www/vendor/preact.js: $(srcdir)/package-lock.json
	$(AM_V_GEN)$(MAKE) $(AM_MAKEFLAGS) $(www_npm)/stamp && $(MKDIR_P) www/vendor && \
	for pair in preact/dist/preact.module.js:preact.js preact/hooks/dist/hooks.module.js:hooks.js \
		htm/dist/htm.module.js:htm.js preact/LICENSE:LICENSE-preact.txt htm/LICENSE:LICENSE-htm.txt; do \
		sed -e 's|from"preact"|from"./preact.js"|' -e '/^\/\/# sourceMappingURL=/d' \
			"$(www_npm)/node_modules/$${pair%%:*}" >"www/vendor/$${pair##*:}.tmp" && \
		mv "www/vendor/$${pair##*:}.tmp" "www/vendor/$${pair##*:}" || exit 1; \
	done && cd $(www_npm)/node_modules && to=$(abs_builddir)/www/vendor && \
	{ echo 'const module = { exports: {} }, exports = module.exports;'; \
		sed '/^\/\/# sourceMappingURL=/d' tus-js-client/dist/tus.min.js; \
		echo; echo 'export default module.exports;'; } >$$to/tus.js && \
	{ cat uplot/dist/uPlot.iife.min.js; echo; echo 'export default uPlot;'; } >$$to/uplot.js && \
	cp uplot/dist/uPlot.min.css $$to/uplot.css && cp uplot/LICENSE $$to/LICENSE-uplot.txt && \
	for f in $(tus_modules); do echo "$${f%%/*}:"; echo; cat $$f; echo; done >$$to/LICENSE-tus.txt
# preact.js is written first, so the others are never older than it.
$(filter-out www/vendor/preact.js,$(www_vendor)): www/vendor/preact.js
	@test -f $@ || test -f $(srcdir)/$@

www/site/stamp: $(www_files) $(www_made) $(www_vendor)
	$(AM_V_GEN)rm -rf www/site && $(MKDIR_P) www/site && \
	for f in $(www_files) $(www_made) $(www_vendor); do \
		if test -f "$$f"; then from="$$f"; else from="$(srcdir)/$$f"; fi; \
		to="www/site/$${f#www/}"; $(MKDIR_P) "$${to%/*}" && cp "$$from" "$$to" && chmod 644 "$$to" || exit 1; \
	done && touch $@

all-local: www/site/stamp

clean-local: www-clean
www-clean:
	rm -rf www/site $(www_npm)
	if test "$(srcdir)" != . || test -d $(srcdir)/.git; then rm -rf www/vendor $(www_made); fi
.PHONY: www-clean
