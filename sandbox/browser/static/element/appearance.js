// The shop's `appearance` and `fonts`, applied by CSSOM: no style text is ever put together.

const THEMES = {
  stripe: {},
  night: {colorPrimary: '#85d996', colorBackground: '#30313d', colorText: '#ffffff', colorDanger: '#fe87a1'},
  flat: {colorBackground: '#f1f3f6', colorText: '#0f2137', borderRadius: '4px'},
  none: {},
};

const VARIABLES = [
  'colorPrimary', 'colorBackground', 'colorText', 'colorDanger', 'colorTextSecondary', 'colorTextPlaceholder',
  'borderRadius', 'fontFamily', 'fontSizeBase', 'fontSizeSm', 'spacingUnit', 'fontWeightNormal', 'fontWeightMedium',
  'gridColumnSpacing', 'focusBoxShadow',
];

// What `appearance.rules` may address: the classes of element.css and their states.
const SELECTOR = /^\.(Input|Label|Error|Terms)(--invalid)?(::?(focus|hover|disabled|placeholder))?$/;

const rules = new CSSStyleSheet();
document.adoptedStyleSheets = [rules];

export function applyAppearance({theme = 'stripe', variables = {}, rules: given = {}} = {}) {
  const values = {...THEMES[theme], ...variables};
  VARIABLES.forEach((name) => {
    if (values[name] === undefined) {
      document.documentElement.style.removeProperty(`--${name}`);
    } else {
      document.documentElement.style.setProperty(`--${name}`, values[name]);
    }
  });
  applyRules(given);
}

function applyRules(given) {
  rules.replaceSync('');
  Object.entries(given).filter(([selector]) => SELECTOR.test(selector)).forEach(([selector, properties]) => {
    const rule = rules.cssRules[rules.insertRule(`${selector} {}`, rules.cssRules.length)];
    Object.entries(properties).forEach(([name, value]) => {
      rule.style[name] = value;
    });
  });
}

export function applyFonts(fonts = []) {
  fonts.forEach((font) => {
    if (font.cssSrc) {
      const link = document.createElement('link');
      link.rel = 'stylesheet';
      link.href = font.cssSrc;
      document.head.append(link);
    } else if (font.family && font.src) {
      const {family, src, ...descriptors} = font;
      const face = new FontFace(family, src, descriptors);
      document.fonts.add(face);
      // A font that cannot be had is no reason to have no card form: the fallback family stays.
      face.load().catch(() => {});
    }
  });
}
