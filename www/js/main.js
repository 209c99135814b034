// Starts the page: finds out who is signed in and shows the view that the address names.
import { Component, html, render, useCell, useEffect } from './html.js';
import { applyLanguage, language, t } from './i18n.js';
import './theme.js';
import { expired, me, start } from './session.js';
import { route } from './router.js';
import { TopBar } from './chrome.js';
import { ConnectionBanner, LiveRegions, Notice } from './notice.js';
import { SignInAgain, SignInPage } from './view-sign-in.js';
import { JobsView } from './view-jobs.js';
import { lazy } from './lazy.js';
import { keepFocus } from './focus-keeper.js';

const views = {
	'': JobsView,
	new: lazy(() => import('./view-new-job.js'), 'NewJobView', ['new', 'servers']),
	jobs: lazy(() => import('./view-job.js'), 'JobView', ['job', 'runs', 'servers', 'evidence', 'gate']),
	uploads: lazy(() => import('./view-uploads.js'), 'UploadsView', ['uploads']),
	settings: lazy(() => import('./view-settings.js'), 'SettingsView', ['settings']),
	users: lazy(() => import('./view-users.js'), 'UsersView', ['users']),
	audit: lazy(() => import('./view-audit.js'), 'AuditView', ['audit']),
};

function NotFound() {
	return html`<${Notice} kind="warn"><p class="notice-head">${t('notfound')}</p><p><a href="#/">${t('notfound.back')}</a></p><//>`;
}

// A mistake in one view must not leave an empty page.
class Guard extends Component {
	componentDidCatch(error) {
		console.error(error);
		this.setState({ error });
	}
	componentDidUpdate(before) {
		if (this.state.error && before.at !== this.props.at) this.setState({ error: null });
	}
	render({ children }, { error }) {
		if (!error) return children;
		return html`<${Notice} kind="bad"><p class="notice-head">${t('crashed')}</p><p>${String(error.message ?? error)}</p>
			<p><button type="button" class="button" onClick=${() => location.reload()}>${t('reload')}</button></p><//>`;
	}
}

function Page() {
	const { parts, query } = useCell(route);
	const View = views[parts[0] ?? ''] ?? NotFound;
	const at = parts.join('/');
	// A new view starts at its top, with the focus where a screen reader starts to read.
	useEffect(() => {
		scrollTo(0, 0);
		if (document.activeElement === document.body || document.activeElement?.closest('nav, a'))
			document.getElementById('main')?.focus({ preventScroll: true });
	}, [parts[0], parts[1]]);
	return html`<${Guard} at=${at}><${View} parts=${parts} query=${query} /><//>`;
}

function App() {
	const who = useCell(me), over = useCell(expired);
	useCell(language);
	if (who === null)
		return html`<${ConnectionBanner} /><p class="starting" role="status">${t('starting')}</p>`;
	if (who === false) return html`<${ConnectionBanner} /><${SignInPage} /><${LiveRegions} />`;
	return html`
		<a class="skip" href="#main" onClick=${(e) => {
			e.preventDefault();
			document.getElementById('main').focus();
		}}>${t('skip')}</a>
		<${TopBar} />
		<${ConnectionBanner} />
		<main id="main" tabindex="-1" class="page"><${Page} /></main>
		<${LiveRegions} />
		${over && html`<${SignInAgain} />`}`;
}

applyLanguage();
keepFocus(document.getElementById('app'));
// Who is signed in is often known by now (ahead.js): then the first drawing is the page, not "starting".
await Promise.race([start(), new Promise((done) => setTimeout(done, 100))]);
render(html`<${App} />`, document.getElementById('app'));
globalThis.ahead?.started();
