// Settings.
export const words = {
	'settings.lead': 'Como o sistema em execução as vê. Alteram-se nos ficheiros, nunca aqui.',
	'settings.search': 'Procurar definições',
	'settings.name': 'Nome',
	'settings.value': 'Valor',
	'settings.help': 'O que faz',
	'settings.default': 'Predefinição: {value}',
	'settings.empty': 'vazio',
	'settings.worker': 'só o worker o conhece (worker.env)',
};
