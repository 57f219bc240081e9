import { useEffect, useRef } from "react";

export function InSight() {
  const mark = useRef(null);
  useEffect(() => mark.current.parentElement.scrollIntoView({ block: "nearest", inline: "center" }), []);
  return <span ref={mark} hidden />;
}
