// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// Line icons of our own on a 20 px grid; words always stand beside them or in the label of their button.
import type { ReactNode } from "react";

function Icon({ children, size = 20 }: { children: ReactNode; size?: number }) {
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 20 20" fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
      {children}
    </svg>
  );
}

export const ListIcon = () => (
  <Icon>
    <rect x="2.5" y="3.5" width="15" height="13" rx="1.5" />
    <path d="M2.5 8h15M2.5 12.2h15M7 8v8.5" />
  </Icon>
);
export const UploadIcon = ({ size }: { size?: number }) => (
  <Icon size={size}>
    <path d="M10 13V3.5M6 7l4-3.8L14 7M3.5 12.5v3a1 1 0 0 0 1 1h11a1 1 0 0 0 1-1v-3" />
  </Icon>
);
export const JobsIcon = () => (
  <Icon>
    <path d="M3 6h7M3 10h4M3 14h7" />
    <path d="M12 8.5l5 3.2-5 3.3z" />
  </Icon>
);
export const SunIcon = () => (
  <Icon>
    <circle cx="10" cy="10" r="3.4" />
    <path d="M10 2.2v1.6M10 16.2v1.6M2.2 10h1.6M16.2 10h1.6M4.5 4.5l1.1 1.1M14.4 14.4l1.1 1.1M15.5 4.5l-1.1 1.1M5.6 14.4l-1.1 1.1" />
  </Icon>
);
export const MoonIcon = () => (
  <Icon>
    <path d="M16.5 12.2A7 7 0 0 1 7.8 3.5a7 7 0 1 0 8.7 8.7z" />
  </Icon>
);
export const PersonIcon = () => (
  <Icon>
    <circle cx="10" cy="6.8" r="3.2" />
    <path d="M3.8 17c.6-3.3 3-5 6.2-5s5.6 1.7 6.2 5" />
  </Icon>
);
export const PeopleIcon = () => (
  <Icon>
    <circle cx="7.6" cy="7" r="2.8" />
    <path d="M2.4 16.2c.5-2.9 2.4-4.4 5.2-4.4s4.7 1.5 5.2 4.4M12.6 4.5a2.7 2.7 0 0 1 0 5M14.6 12.2c1.7.6 2.7 1.9 3 4" />
  </Icon>
);
export const ModelIcon = () => (
  <Icon>
    <circle cx="4.5" cy="6" r="1.8" />
    <circle cx="4.5" cy="14" r="1.8" />
    <circle cx="10.5" cy="10" r="1.8" />
    <circle cx="16" cy="10" r="1.5" />
    <path d="M6 7l3 2M6 13l3-2M12.4 10h2" />
  </Icon>
);
export const RulesIcon = () => (
  <Icon>
    <path d="M3 4.5h14M3 4.5l5.2 6v5.2l3.6-1.8v-3.4l5.2-6" />
  </Icon>
);
export const SearchIcon = () => (
  <Icon size={16}>
    <circle cx="8.8" cy="8.8" r="5.3" />
    <path d="M12.8 12.8L17 17" />
  </Icon>
);
export const BackIcon = () => (
  <Icon size={18}>
    <path d="M11.5 4.5L6 10l5.5 5.5" />
  </Icon>
);
export const ColumnsIcon = () => (
  <Icon size={18}>
    <rect x="2.5" y="3.5" width="15" height="13" rx="1.5" />
    <path d="M7.5 3.5v13M12.5 3.5v13" />
  </Icon>
);
export const KeyboardIcon = () => (
  <Icon>
    <rect x="2" y="5" width="16" height="10.5" rx="1.5" />
    <path d="M5 8.2h.01M8.3 8.2h.01M11.7 8.2h.01M15 8.2h.01M6 12.2h8" />
  </Icon>
);
export const ExternalIcon = () => (
  <Icon size={16}>
    <path d="M11.5 3.5h5v5M16.2 3.8L9.5 10.5M14.5 12v3.5a1 1 0 0 1-1 1h-9a1 1 0 0 1-1-1v-9a1 1 0 0 1 1-1H8" />
  </Icon>
);
export const FileIcon = () => (
  <Icon>
    <path d="M5.5 2.5h6l3.5 3.6v11.4h-9.5zM11.2 2.7v3.8h3.6M7.8 10.5h4.6M7.8 13.5h4.6" />
  </Icon>
);
export const GantryMark = ({ size = 26 }: { size?: number }) => (
  <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
    <circle cx="16" cy="16" r="12" fill="none" stroke="var(--accent)" strokeWidth="3.4" />
    <path d="M8.5 21.5h15" stroke="var(--accent)" strokeWidth="3.4" strokeLinecap="round" />
  </svg>
);
