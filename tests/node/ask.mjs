// A caller in Node: asks one question over mutual TLS, and prints what it is told as JSON.
//
//   node ask.mjs AGREEMENT HOST:PORT SERVER-NAME CERT KEY CA REQUEST-AS-JSON
//
// deploy/client.md shows the middle of this file.
import { readFileSync } from "node:fs";
import process from "node:process";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";

const [agreement, server, serverName, cert, key, ca, request] = process.argv.slice(2);

// begin: ask
// Names, not numbers, for enum values; 64-bit numbers as text.
const options = { keepCase: true, enums: String, longs: String, defaults: true };
const definition = protoLoader.loadFileDescriptorSetFromBuffer(readFileSync(agreement), options);
const mpic = grpc.loadPackageDefinition(definition).mpic.v1;
const pems = [ca, key, cert].map((file) => readFileSync(file));
const client = new mpic.CorroborationService(server, grpc.credentials.createSsl(...pems), {
  "grpc.ssl_target_name_override": serverName,
  "grpc.max_receive_message_length": 5 * 1024 * 1024,
});

// google.rpc.Status has what the error is about: its stable reason, wrong fields, when to ask again.
function readDetails(error) {
  const [packed] = error.metadata.get("grpc-status-details-bin");
  if (!packed) return {};
  const decode = (type, value) => definition[type].deserialize(value);
  const told = {};
  for (const { type_url, value } of decode("google.rpc.Status", packed).details) {
    const type = type_url.split("/").pop();
    told[type] = decode(type, value);
  }
  return told;
}
// end: ask

const deadline = new Date(Date.now() + 30_000);
client.Corroborate(JSON.parse(request), { deadline }, (error, answer) => {
  const told = error
    ? { code: grpc.status[error.code], details: readDetails(error) }
    : { approved: answer.approved, names: answer.names, request_id: answer.request_id };
  console.log(JSON.stringify(told));
  client.close();
});
