// Cancelling: one click, one cancellation.
import { guardSubmit } from "./submit_once.js";

guardSubmit(document.getElementById("cancel-form"));
