// The booking's page: only the countdown of a hold.
import { countdown } from "./countdown.js";

countdown();
