import js from '@eslint/js';
import jsxA11y from 'eslint-plugin-jsx-a11y';
import reactHooks from 'eslint-plugin-react-hooks';
import globals from 'globals';
import tseslint from 'typescript-eslint';

/**
 * Lowest first: a layer imports from itself and from those before it. Components are stricter still, they only draw: what they show and
 * what they do comes as props, in the words of `types`.
 */
const LAYERS = [['types'], ['services', 'adapters'], ['hooks'], ['components'], ['pages']];

const REACT = { group: ['react', 'react/*', 'react-*', '@tanstack/react-*'], message: 'No React below hooks/.' };
const TESTS = { group: ['**/test/**'], message: 'Fakes are for tests.' };
const within = (folders, message) => ({ group: folders.map((folder) => `**/${folder}/**`), message });

const arrows = LAYERS.map((folders, level) => {
  const above = LAYERS.slice(level + 1).flat();
  const patterns = [TESTS];
  if (above.length > 0) patterns.push(within(above, 'Nothing below calls up.'));
  if (level < 2) patterns.push(REACT);
  if (folders.includes('components'))
    patterns.push(within(['services', 'adapters', 'hooks'], 'Components only draw: take props.'));
  return {
    files: folders.map((folder) => `src/${folder}/**`),
    ignores: ['**/*.test.{ts,tsx}', '**/contract.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns }] },
  };
});

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'src/services/protocol.ts'] },
  js.configs.recommended,
  {
    files: ['**/*.{ts,tsx}'],
    extends: [...tseslint.configs.recommendedTypeChecked, ...tseslint.configs.stylistic],
    languageOptions: {
      globals: globals.browser,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }],
      '@typescript-eslint/array-type': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      'no-console': 'error',
    },
  },
  {
    files: ['**/*.tsx', 'src/hooks/**'],
    extends: [reactHooks.configs.flat.recommended, jsxA11y.flatConfigs.recommended],
    rules: {
      // A live call has no caption file.
      'jsx-a11y/media-has-caption': 'off',
      // Props hand on the actions of plain objects, which have no `this`.
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    files: ['**/*.test.{ts,tsx}', 'src/test/**'],
    rules: {
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/require-await': 'off',
    },
  },
  { files: ['*.js'], languageOptions: { globals: globals.node } },
  { files: ['public/**/*.js'], languageOptions: { globals: globals.browser } },
  ...arrows,
);
