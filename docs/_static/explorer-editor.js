// The field in which the value that was picked is changed.
"use strict";

(() => {
  const find = (id) => document.getElementById(`explorer-${id}`);
  const PARTS = { cell: "input", weight: "weights", output: "gradient" };

  explorer.Editor = class {
    // `owner`: values, view, now() for the result, change(what, where) after a value has changed.
    constructor(owner) {
      this.owner = owner;
      this.field = find("value");
      this.field.addEventListener("input", () => this.read());
      this.field.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== "Escape") return;
        event.preventDefault();
        event.stopPropagation();
        if (event.key === "Escape") this.undo();
        this.leave();
      });
      this.close();
    }

    close() {
      this.what = undefined;
      this.field.hidden = true;
      find("edit-label").textContent = explorer.labels.edit_none;
      this.tell("");
    }

    tell(message) {
      find("edit-error").textContent = message;
      this.field.setAttribute("aria-invalid", message !== "");
    }

    value() {
      const result = this.owner.now(), { facts, settings } = result, [a, b, c] = this.where;
      if (this.what === "cell") return result.input[a * settings.input_columns + b];
      if (this.what === "output") return result.gradient[a * facts.outputs_columns + b];
      return result.weights[(a * settings.kernel_rows + b) * settings.kernel_columns + c];
    }

    // A weight's place, the kernel's row and column first.
    place() {
      if (this.what !== "weight") return this.where;
      const across = this.owner.now().facts.kernels_columns, [kernel, row, column] = this.where;
      return [Math.floor(kernel / across), kernel % across, row, column];
    }

    open(what, where) {
      this.what = what;
      this.where = where;
      this.before = this.value();
      this.field.hidden = false;
      this.field.value = this.before;
      find("edit-label").textContent = explorer.words.edit.label(this.owner.now(), what, where);
      this.tell("");
    }

    // A digit was typed in a grid: it is the field's first.
    type(letter, what, where) {
      this.owner.view.cellOf(what, where).cell.click();
      this.field.value = letter;
      this.field.focus();
      this.read();
    }

    read() {
      const { words } = explorer, value = explorer.Values.read(this.field.value);
      const positive = this.owner.now().operator === "weighted" && this.what === "weight";
      if (value === undefined) this.tell(words.edit.wrong);
      else if (positive && value <= 0) this.tell(words.edit.positive);
      else {
        this.tell("");
        this.set(value);
      }
    }

    set(value) {
      this.owner.values.set(PARTS[this.what], this.place(), value);
      this.owner.change(this.what, this.where);
    }

    undo() {
      this.field.value = this.before;
      this.tell("");
      this.set(this.before);
    }

    // Back to the cell.
    leave() {
      const found = this.owner.view.cellOf(this.what, this.where);
      if (found) found.grid.choose(...found.grid.where(found.cell));
    }
  };
})();
