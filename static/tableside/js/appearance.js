// The Payment Element's look, read from the page's own tokens, so that light and dark are one source.

const root = () => getComputedStyle(document.documentElement);

export function appearance() {
  const style = root();
  const token = (name) => style.getPropertyValue(name).trim();
  const isDark = window.matchMedia("(prefers-color-scheme: dark)").matches;
  return {
    theme: isDark ? "night" : "stripe",
    variables: {
      colorPrimary: token("--accent"),
      colorBackground: token("--surface"),
      colorText: token("--ink"),
      colorTextSecondary: token("--ink-muted"),
      colorTextPlaceholder: token("--ink-faint"),
      colorDanger: token("--bad"),
      fontFamily: '"Hanken Grotesk", system-ui, sans-serif',
      fontSizeBase: "16px",
      borderRadius: "10px",
      spacingUnit: "4px",
    },
    rules: {
      ".Input": { border: `1px solid ${token("--line-strong")}`, boxShadow: "none", padding: "12px" },
      ".Input:focus": { borderColor: token("--accent"), boxShadow: `0 0 0 1px ${token("--accent")}`, outline: "none" },
      ".Label": { fontWeight: "600" },
    },
  };
}

// The page's own font, for the frame that Stripe draws.
export function fonts(address) {
  return [{ family: "Hanken Grotesk", src: `url(${new URL(address, window.location.origin).href})`, weight: "100 900" }];
}
