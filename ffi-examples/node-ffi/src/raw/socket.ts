import koffi from "koffi";
import type { Watch } from "../completions.js";

/** Windows' queues have a SOCKET, which Node's own net takes for no descriptor; libuv watches it all the same. */
export function watchSocket(socket: number, readable: () => void): Watch {
  const windows = koffi.load("ws2_32.dll");
  const take = windows.func("__stdcall", "recv", "int", ["uintptr_t", "void *", "int", "int"]);
  const close = windows.func("__stdcall", "closesocket", "int", ["uintptr_t"]);
  const bytes = Buffer.allocUnsafeSlow(256);
  const watched = koffi.node.poll(socket, { readable: true }, () => {
    take(socket, bytes, bytes.length, 0);
    readable();
  });
  const end = (): void => {
    watched.close();
    close(socket);
  };
  return { ref: () => watched.ref(), unref: () => watched.unref(), end };
}
