// Signing in: a page of its own at first, a dialog over the page when a session has ended.
import { html, useCell, useState } from './html.js';
import { t } from './i18n.js';
import { me, signIn } from './session.js';
import { TextField } from './field.js';
import { Notice, ProblemBox } from './notice.js';
import { Dialog } from './dialog.js';
import { Mark } from './icon.js';
import { LanguageChoice, ThemeChoice } from './chrome.js';

function SignInForm({ user: known }) {
	const [user, setUser] = useState(known ?? '');
	const [password, setPassword] = useState('');
	const [problem, setProblem] = useState(null);
	const [busy, setBusy] = useState(false);
	const submit = async (e) => {
		e.preventDefault();
		setBusy(true);
		setProblem(null);
		try {
			await signIn(user.trim(), password);
		} catch (p) {
			setProblem(p);
			setBusy(false);
		}
	};
	return html`<form onSubmit=${submit} class="stack">
		<${ProblemBox} problem=${problem} />
		<${TextField} label=${t('signin.user')} value=${user} onValue=${setUser} name="user" autocomplete="username"
			autocapitalize="none" spellcheck=${false} required data-autofocus=${!known || undefined} autofocus=${!known} />
		<${TextField} label=${t('signin.password')} value=${password} onValue=${setPassword} name="password" type="password"
			autocomplete="current-password" required data-autofocus=${known ? true : undefined} autofocus=${Boolean(known)} />
		<button class="button primary" type="submit" disabled=${busy}>${busy ? t('signin.busy') : t('signin.go')}</button>
	</form>`;
}

export function SignInPage() {
	return html`<main class="signin" id="main">
		<div class="card signin-card">
			<${Mark} size="44" />
			<h1>${t('app.name')}</h1>
			<p class="lead">${t('signin.lead')}</p>
			<${SignInForm} />
		</div>
		<div class="signin-foot"><${LanguageChoice} /><${ThemeChoice} /></div>
	</main>`;
}

export function SignInAgain() {
	const who = useCell(me);
	return html`<${Dialog} title=${t('signin.again')} closable=${false}>
		<${Notice} kind="info">${t('signin.kept')}<//>
		<${SignInForm} user=${who?.local === false ? undefined : who?.sub} />
	<//>`;
}
