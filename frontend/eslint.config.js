import js from '@eslint/js';
import jsxA11y from 'eslint-plugin-jsx-a11y';
import reactHooks from 'eslint-plugin-react-hooks';
import globals from 'globals';
import tseslint from 'typescript-eslint';

/** Which way imports may point: pages → hooks → services and adapters; components only draw. */
const arrows = (files, patterns) => ({
  files,
  ignores: ['**/*.test.{ts,tsx}'],
  rules: { 'no-restricted-imports': ['error', { patterns }] },
});

const REACT = { group: ['react', 'react/*', 'react-dom', '@tanstack/react-*'], message: 'No React below hooks/.' };
const UPWARDS = { group: ['**/hooks/use*', '**/components/*', '**/pages/*'], message: 'Nothing below calls up.' };
const BEHAVIOUR = {
  group: ['**/services/*', '**/adapters/**', '**/hooks/use*'],
  message: 'Components only draw: take props.',
};

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
  arrows(['src/services/**', 'src/adapters/**'], [REACT, UPWARDS]),
  arrows(['src/components/**'], [BEHAVIOUR]),
);
