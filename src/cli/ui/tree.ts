/** A tree as text, drawn with box characters. */

export interface TreeNode {
  readonly label: string;
  readonly children?: readonly TreeNode[];
}

export function tree(root: TreeNode): string {
  return `${root.label}\n${branches(root.children ?? [], '')}`;
}

function branches(nodes: readonly TreeNode[], indent: string): string {
  return nodes
    .map((node, index) => {
      const last = index === nodes.length - 1;
      const below = branches(node.children ?? [], `${indent}${last ? '   ' : '│  '}`);
      return `${indent}${last ? '└─ ' : '├─ '}${node.label}\n${below}`;
    })
    .join('');
}
