// One input with its rule and its error message.

export class Field {
  #problem;
  #format;
  #errorLine;
  #shown = '';
  #isDeclined = false;

  // `problem(value)` gives {code, message} or null; `format(value, {previous})` the text as it should stand there;
  // `errorLine` is an ErrorLine.
  constructor({input, errorLine, problem, format = null}) {
    this.input = input;
    this.#problem = problem;
    this.#format = format;
    this.#errorLine = errorLine;
    input.addEventListener('input', () => this.#edited());
    input.addEventListener('change', () => this.#edited());
    input.addEventListener('blur', () => this.#left());
  }

  get value() {
    return this.input.value.trim();
  }

  get isEmpty() {
    return this.value === '';
  }

  get problem() {
    return this.#problem(this.value);
  }

  get isComplete() {
    return this.problem === null;
  }

  // The browser's own "required" bubbles are not used: the message stands under the field, and stays.
  show(problem) {
    const isWrong = problem !== null;
    this.input.classList.toggle('Input--invalid', isWrong);
    this.input.setAttribute('aria-invalid', String(isWrong));
    this.#errorLine.set({field: this, message: problem?.message ?? ''});
  }

  // What the issuer said stays until the field is edited; leaving the field does not take it away.
  showDecline(message) {
    this.#isDeclined = true;
    this.show({code: 'declined', message});
  }

  validate() {
    this.#isDeclined = false;
    const problem = this.problem;
    this.show(problem);
    return problem;
  }

  #edited() {
    this.#isDeclined = false;
    if (this.#format) {
      this.#reformat();
    }
    const problem = this.problem;
    this.show(problem && problem.code.startsWith('invalid') ? problem : null);
  }

  #left() {
    if (!this.isEmpty && !this.#isDeclined) {
      this.validate();
    }
  }

  // Keeps the caret behind the same digit that it was behind.
  #reformat() {
    const {input} = this;
    const typed = input.value;
    const text = this.#format(typed, {previous: this.#shown});
    this.#shown = text;
    if (text === typed) {
      return;
    }
    const atEnd = input.selectionStart === typed.length;
    const digitsBefore = typed.slice(0, input.selectionStart).replace(/\D/g, '').length;
    input.value = text;
    if (document.activeElement === input) {
      const position = atEnd ? text.length : positionAfterDigits({text, count: digitsBefore});
      input.setSelectionRange(position, position);
    }
  }
}

function positionAfterDigits({text, count}) {
  let seen = 0;
  let position = 0;
  while (position < text.length && seen < count) {
    seen += /\d/.test(text[position]) ? 1 : 0;
    position += 1;
  }
  return position;
}

// Fields that stand in one row share one line for messages, so that a message never moves what is below.
export class ErrorLine {
  #element;
  #messages = new Map();

  constructor(element) {
    this.#element = element;
  }

  set({field, message}) {
    this.#messages.set(field, message);
    const first = [...this.#messages.values()].find((text) => text !== '') ?? '';
    if (this.#element.textContent !== first) {
      this.#element.textContent = first;
    }
  }
}
