import { ActionIcon, Button, createTheme, type CSSVariablesResolver, Menu, type MantineColorsTuple, Popover, Select, TextInput, Tooltip } from '@mantine/core';

/** Accent: a quiet blue that passes as text on both grounds. */
const wind: MantineColorsTuple = [
  '#eaf2fd', '#d5e3f7', '#a9c5ee', '#7aa6e5', '#5289dc', '#3673d3', '#2467c9', '#1f5fbf', '#174f9f', '#0f3f80',
];

/** Greys of the dark scheme, with a little of the accent's blue; text first, ground last. */
const dark: MantineColorsTuple = [
  '#dfe2e7', '#c1c6ce', '#9aa2ae', '#6b7380', '#3a3f49', '#2a2e36', '#1e2127', '#16181c', '#111317', '#0c0e11',
];

/** Mantine's own quiet texts are too pale to be read easily (under 4.5:1). */
export const variables: CSSVariablesResolver = () => {
  const ours = {
    '--mantine-color-dimmed': 'var(--wl-dim)',
    '--mantine-color-placeholder': 'var(--wl-dim)',
    '--mantine-color-text': 'var(--wl-text)',
    '--mantine-color-body': 'var(--wl-ground)',
  };
  return { variables: {}, light: ours, dark: ours };
};

export const theme = createTheme({
  colors: { wind, dark },
  primaryColor: 'wind',
  primaryShade: { light: 7, dark: 5 },
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", "Helvetica Neue", Arial, sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace',
  defaultRadius: 'sm',
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.125rem' },
  headings: { fontWeight: '600' },
  respectReducedMotion: true,
  components: {
    ActionIcon: ActionIcon.extend({ defaultProps: { variant: 'subtle', color: 'gray', size: 'md' } }),
    Button: Button.extend({ defaultProps: { size: 'compact-sm', variant: 'default', fw: 500 } }),
    Menu: Menu.extend({ defaultProps: { shadow: 'md', transitionProps: { duration: 0 } } }),
    Popover: Popover.extend({ defaultProps: { shadow: 'md', transitionProps: { duration: 0 } } }),
    Select: Select.extend({ defaultProps: { size: 'xs', comboboxProps: { transitionProps: { duration: 0 } } } }),
    TextInput: TextInput.extend({ defaultProps: { size: 'xs' } }),
    Tooltip: Tooltip.extend({ defaultProps: { openDelay: 300, transitionProps: { duration: 0 }, events: { hover: true, focus: true, touch: false } } }),
  },
});
