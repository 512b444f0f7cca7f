// Ten minutes after its start, and every ten minutes from then on, Azurite looks for data that no blob refers to any
// more. It deletes that item by item, searches all items for each, and answers nobody meanwhile: 12 seconds after 4,000
// writes, minutes after 15,000. The services of Azure do not stand still like that. What is left behind here is small.
"use strict";

const { default: BlobGCManager } = require("azurite/dist/src/blob/gc/BlobGCManager");

BlobGCManager.prototype.markSweep = async () => {};
