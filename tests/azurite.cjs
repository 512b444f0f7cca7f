// Loaded into Azurite before it starts.
"use strict";

// What sends telemetry to Microsoft is half of what Azurite loads, and is told to send nothing.
const Module = require("node:module");
const load = Module._load;
Module._load = (name, ...how) => (name === "applicationinsights" ? {} : load(name, ...how));

// Every ten minutes Azurite removes the data that no blob refers to any more. It deletes item by item, searches all
// items for each, and answers no request meanwhile: 12 seconds after 4,000 writes, 39 after 8,000. Azure's own service
// does not pause like that, and the data of a test run are small.
const { default: BlobGCManager } = require("azurite/dist/src/blob/gc/BlobGCManager");

BlobGCManager.prototype.markSweep = async () => {};
