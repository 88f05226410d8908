// A lesson beside the player: text, what to look at, a question whose answer shows once the student has tried.

class Lesson {
  /** @param {any} lesson @param {Player} player */
  constructor(lesson, player) {
    this.lesson = lesson;
    this.player = player;
    this.number = 0;
    /** @type {Map<number, number>} step to the choice that was tried */
    this.tried = new Map();
    this.place = byId("lesson");
    this.place.hidden = false;
    document.body.classList.add("with-lesson");
    this.open(0, false);
  }

  /** @param {number} number @param {boolean} [takesFocus] */
  open(number, takesFocus = true) {
    this.number = number;
    const step = this.lesson.steps[number];
    const last = this.lesson.steps.length - 1;
    const heading = make("h2", { tabindex: "-1" }, step.title);
    this.place.replaceChildren(
      make("p", { class: "progress" }, `Step ${number + 1} of ${last + 1}`), heading, ...paragraphs(step.text),
      ...(step.shows ? [make("p", {}, make("button", { type: "button", onclick: () => this.player.apply(step.shows) }, `Show: ${step.shows.label}`))] : []),
      ...(step.question ? [this.question(step.question)] : []),
      make("div", { class: "steps" },
        make("button", { type: "button", disabled: number === 0, onclick: () => this.open(number - 1) }, "Back"),
        make("button", { type: "button", class: "main", disabled: number === last, onclick: () => this.open(number + 1) }, "Next")));
    if (step.shows) this.player.apply(step.shows);
    else this.player.draw();
    if (takesFocus) heading.focus();
  }

  /** @param {any} question */
  question(question) {
    const name = `choice-${this.number}`;
    const reply = make("div", { role: "status" });
    const choices = question.choices.map((/** @type {any} */ choice, /** @type {number} */ index) => make("label", {},
      make("input", { type: "radio", name, value: index, checked: this.tried.get(this.number) === index }), make("span", {}, choice.says)));
    const form = make("form", { class: "question" },
      make("fieldset", {}, make("legend", {}, question.asks), ...choices),
      make("p", {}, make("button", { type: "submit" }, "Try it")), reply);
    form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      const chosen = form.querySelector("input:checked");
      if (!chosen) { reply.replaceChildren(make("p", { class: "reply" }, "Choose an answer first.")); return; }
      this.tried.set(this.number, Number(chosen.value));
      this.answer(question, reply);
    });
    if (this.tried.has(this.number)) this.answer(question, reply);
    return form;
  }

  /** @param {any} question @param {any} reply */
  answer(question, reply) {
    const choice = question.choices[/** @type {number} */ (this.tried.get(this.number))];
    const verdict = choice.is_right ? "That is what these runs show. " : "These runs show something else. ";
    reply.replaceChildren(make("div", { class: "reply" }, make("p", {}, make("strong", {}, verdict), choice.reply ?? ""), ...paragraphs(question.answer),
      ...(question.shows ? [make("p", {}, make("button", { type: "button", onclick: () => this.player.apply(question.shows) }, `Show: ${question.shows.label}`))] : [])));
  }
}
