// <migration-gate-badge ticket="4711"> or <migration-gate-badge domain="a.example">: the gate's verdict for a
// ticket page of Desk. One file, no dependency: load it as a module and write the element.
//
//   ticket, domain   which migration; with a ticket, the worst verdict of its open jobs is shown
//   lang             pt or en (default: the element's language, then the browser's)
//   api, href        where the API and the page are (default: beside this file)
//   .token           a function that gives a bearer token (default: the session cookie)
//
// It fires migration-gate-change {verdict, ratio} when the verdict changes. An error is never shown as ready.
const words = {
	en: { title: 'Migration', blocked: 'Blocked', warning: 'Not yet', ready_for_dns: 'Ready for DNS', dns_applied: 'DNS moved',
		unknown: 'No answer', signin: 'Sign in to see it', none: 'No migration', loading: '…' },
	pt: { title: 'Migração', blocked: 'Bloqueado', warning: 'Ainda não', ready_for_dns: 'Pronto para DNS', dns_applied: 'DNS mudado',
		unknown: 'Sem resposta', signin: 'Inicie sessão para ver', none: 'Sem migração', loading: '…' },
};
const worst = ['blocked', 'warning', 'ready_for_dns', 'dns_applied'];

const css = `
:host { display: inline-block; font: 500 0.9em/1.5 system-ui, sans-serif; }
a { display: inline-flex; align-items: center; gap: .45em; padding: .1em .75em; border: 1px solid; border-radius: 1em;
	text-decoration: none; white-space: nowrap; color: #566275; background: #eef1f5; }
a:focus-visible { outline: 2px solid #1f5fbf; outline-offset: 2px; }
i { width: .6em; height: .6em; border-radius: 50%; background: currentColor; }
.blocked i { border-radius: 0; }
.warning i { border-radius: 0; clip-path: polygon(50% 0, 100% 100%, 0 100%); }
.blocked { color: #a51b25; background: #fdeaea; }
.warning { color: #7d4a00; background: #fdf1d9; }
.ready_for_dns { color: #0f5c33; background: #e2f4e9; }
.dns_applied { color: #184f9f; background: #e6eefa; }
@media (prefers-color-scheme: dark) {
	a { color: #9ba8ba; background: #1e2733; }
	.blocked { color: #ff9a9a; background: #3a1a1d; }
	.warning { color: #f0bd5e; background: #33270f; }
	.ready_for_dns { color: #6fd39a; background: #14301f; }
	.dns_applied { color: #86b4f7; background: #1b2c47; }
}`;

class MigrationGateBadge extends HTMLElement {
	static observedAttributes = ['ticket', 'domain', 'lang', 'api', 'href'];
	#link = document.createElement('a');
	#text = document.createElement('span');
	#timer = 0;
	#failures = 0;
	#etags = new Map();
	#turn = 0;
	#last = null;
	#seen = () => (document.hidden ? clearTimeout(this.#timer) : this.refresh());

	constructor() {
		super();
		const root = this.attachShadow({ mode: 'open' });
		const sheet = new CSSStyleSheet();
		sheet.replaceSync(css);
		root.adoptedStyleSheets = [sheet];
		const mark = document.createElement('i');
		this.#link.part = 'badge';
		this.#link.append(mark, this.#text);
		root.append(this.#link);
	}

	connectedCallback() {
		document.addEventListener('visibilitychange', this.#seen);
		this.refresh();
	}
	disconnectedCallback() {
		document.removeEventListener('visibilitychange', this.#seen);
		clearTimeout(this.#timer);
		this.#turn++;
	}
	attributeChangedCallback() {
		if (!this.isConnected) return;
		this.#etags.clear();
		this.refresh();
	}

	get verdict() {
		return this.#last?.verdict ?? null;
	}

	#words() {
		const tag = this.getAttribute('lang') || this.closest('[lang]')?.lang || navigator.language || 'en';
		return words[tag.toLowerCase().startsWith('pt') ? 'pt' : 'en'];
	}

	async #get(path) {
		const base = this.getAttribute('api') || new URL('/api/v1/migration', import.meta.url).href;
		const known = this.#etags.get(path);
		const headers = { Accept: 'application/json' };
		const token = typeof this.token === 'function' ? await this.token() : this.token;
		if (token) headers.Authorization = 'Bearer ' + token;
		if (known?.etag) headers['If-None-Match'] = known.etag;
		const response = await fetch(base + path, { headers, cache: 'no-store', credentials: 'same-origin' });
		if (response.status === 304) return known.body;
		if (!response.ok) throw Object.assign(new Error('HTTP ' + response.status), { status: response.status });
		const body = await response.json();
		this.#etags.set(path, { etag: response.headers.get('ETag'), body });
		return body;
	}

	async #read() {
		const domain = this.getAttribute('domain'), ticket = this.getAttribute('ticket');
		if (domain) {
			const gate = await this.#get('/gate?domain=' + encodeURIComponent(domain));
			if (!gate.reasons?.some((r) => r.code === 'job.none')) return { verdict: gate.verdict, ratio: gate.ratio ?? null, job: null };
			return { verdict: null };
		}
		if (!ticket) return { verdict: null };
		const { items } = await this.#get('/jobs?status=open&limit=500&q=' + encodeURIComponent(ticket));
		const jobs = items.filter((j) => j.ticket === ticket);
		if (!jobs.length) return { verdict: null };
		const rank = (j) => worst.indexOf(j.summary?.gate);
		const job = jobs.reduce((a, b) => (rank(b) < rank(a) ? b : a));
		return { verdict: job.summary?.gate ?? 'blocked', ratio: job.summary?.ratio ?? null, job: jobs.length === 1 ? job.id : null };
	}

	async refresh() {
		clearTimeout(this.#timer);
		const turn = ++this.#turn;
		let now;
		try {
			now = await this.#read();
			this.#failures = 0;
		} catch (e) {
			this.#failures = Math.min(this.#failures + 1, 4);
			now = { verdict: null, error: e.status === 401 || e.status === 403 ? 'signin' : 'unknown' };
		}
		if (turn !== this.#turn) return;
		this.#show(now);
		if (!document.hidden) this.#timer = setTimeout(() => this.refresh(), 15000 * 2 ** this.#failures);
	}

	#show({ verdict, ratio = null, job = null, error = null }) {
		const w = this.#words(), known = worst.includes(verdict);
		const lang = w === words.pt ? 'pt' : 'en';
		let text = error ? w[error] : known ? w[verdict] : verdict === null ? w.none : w.unknown;
		if (known && ratio !== null) {
			const floored = ratio >= 1 ? 1 : Math.floor(ratio * 10000 + 1e-9) / 10000;
			text += ' · ' + new Intl.NumberFormat(lang, { style: 'percent', maximumFractionDigits: 2 }).format(floored);
		}
		this.#link.className = known ? verdict : '';
		this.#link.href = this.getAttribute('href') || new URL(job ? './#/jobs/' + job : './#/', import.meta.url).href;
		this.#text.textContent = w.title + ': ' + text;
		const changed = this.#last && this.#last.verdict !== verdict;
		this.#last = { verdict, ratio };
		if (changed) this.dispatchEvent(new CustomEvent('migration-gate-change', { detail: { verdict, ratio }, bubbles: true }));
	}
}

if (!customElements.get('migration-gate-badge')) customElements.define('migration-gate-badge', MigrationGateBadge);
