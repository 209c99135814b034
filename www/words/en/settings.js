// Settings.
export const words = {
	'settings.lead': 'As the running system sees them. They are changed in its files, never here.',
	'settings.search': 'Search settings',
	'settings.name': 'Name',
	'settings.value': 'Value',
	'settings.help': 'What it does',
	'settings.default': 'Default: {value}',
	'settings.empty': 'empty',
	'settings.worker': 'only the worker knows it (worker.env)',
};
