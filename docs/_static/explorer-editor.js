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

    // The number's index: `where` is a channel or a slice of the weights, a row and a column.
    index() {
      const { facts, settings: set } = this.owner.now(), [first, row, column] = this.where;
      const [rows, columns] = {
        cell: [set.input_rows, set.input_columns], weight: [set.kernel_rows, set.kernel_columns],
        output: [facts.outputs_rows, facts.outputs_columns],
      }[this.what];
      return (first * rows + row) * columns + column;
    }

    value() {
      return this.owner.now()[PARTS[this.what]][this.index()];
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
      this.owner.values.setAt(PARTS[this.what], this.index(), value, this.owner.now());
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
