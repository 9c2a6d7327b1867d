// A client as one would write it: listens from a place, prints what it heard, and when the server goes away connects
// again behind the last place. node listen.cjs <proto> <host:port> <place> <until this many transactions>
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const [proto, address, from, until] = process.argv.slice(2);
const loaded = loader.loadSync(proto, { keepCase: true, longs: Number, oneofs: true });
const { Outbox } = grpc.loadPackageDefinition(loaded).cala.outbox.v1;
const client = new Outbox(address, grpc.credentials.createInsecure(), {
  "grpc.initial_reconnect_backoff_ms": 50,
  "grpc.max_reconnect_backoff_ms": 200,
});
let place = Number(from);
let left = Number(until);

function listen() {
  const stream = client.Listen({ after: place, types: ["transaction_created"], entries: true });
  stream.on("data", ({ heard, event, reached }) => {
    if (heard === "reached") {
      place = reached.place;
      return;
    }
    place = event.place;
    console.log(JSON.stringify({ place, id: event.subject_id,
      versions: event.entries.map((entry) => entry.account_version) }));
    if (--left === 0) process.exit(0);
  });
  stream.on("error", (error) => {
    if (error.code !== grpc.status.UNAVAILABLE) {
      console.error(`${error.code} ${error.details} ${error.metadata.get("cala-code")}`);
      process.exit(1);
    }
    setTimeout(listen, 50);
  });
}

listen();
