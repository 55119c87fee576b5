import { Component } from "react";
import type { ReactNode } from "react";
import { messageOf } from "../state/errors.ts";
import { Note } from "./basics.tsx";

interface Props {
  children: ReactNode;
  /** Drawing failed: what is kept for the next visit must not fail it too. */
  onError: () => void;
  onDrop: () => void;
}

/** A view that cannot be drawn takes only itself down. */
export class Boundary extends Component<Props, { problem: string | null }> {
  override state = { problem: null as string | null };

  static getDerivedStateFromError(error: unknown): { problem: string } {
    return { problem: messageOf(error) };
  }

  override componentDidCatch(): void {
    this.props.onError();
  }

  override render(): ReactNode {
    const { problem } = this.state;
    if (problem === null) return this.props.children;
    return (
      <Note kind="bad" title="This cannot be shown">
        <p>{problem}. Sign nothing that this page cannot show.</p>
        <p>
          <button
            type="button"
            onClick={() => {
              this.props.onDrop();
              this.setState({ problem: null });
            }}
          >
            Drop the proposal
          </button>
        </p>
      </Note>
    );
  }
}
