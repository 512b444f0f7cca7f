// Ten minutes after its start, and every ten minutes from then on, Azurite looks for data that no blob refers to any
// more. It deletes that item by item, searches all items for each, and answers nobody meanwhile: for 12 seconds after
// 4,000 writes, for 39 after 8,000. The services of Azure do not stand still like that. What is left behind is small.
"use strict";

const { default: BlobGCManager } = require("azurite/dist/src/blob/gc/BlobGCManager");

BlobGCManager.prototype.markSweep = async () => {};
