// Every word of the page, in English and Chinese. Reasons and next steps come from the hub in
// English with a code; Chinese is made of the code here.

export const WORDS = {
  en: {
    skip: 'Skip to the content', signIn: 'Sign in', signOut: 'Sign out', account: 'Account',
    department: 'Department (empty for an account of the hub)',
    nothing: 'You are signed in. There is nothing to manage here yet.',
    password: 'Password', regions: 'Regions', totals: 'In all', each: 'Each region',
    filter: 'Filter by name', all: 'in all', healthy: 'healthy', degraded: 'degraded',
    unreachable: 'unreachable', connecting: 'connecting', removed: 'removed', name: 'Name',
    state: 'State', why: 'Reason and next step', since: 'For', servers: 'Servers',
    compute: 'Compute', memory: 'Memory', storage: 'Storage', disk: 'Local disk',
    addresses: 'Network addresses', data: 'Data from', running: 'running', stopped: 'stopped',
    other: 'other', of: (used, total) => `${used} of ${total}`, vcpus: 'vCPUs',
    ago: (time) => `${time} ago`, never: 'never', unknown: 'unknown',
    untold: 'none reported', atLeast: (value) => `at least ${value}`,
    lacking: (count, shown) => `not all known of ${shown} ${count === 1 ? 'region' : 'regions'}`,
    none: 'There are no regions yet. Invite one on the hub: idp-hub region invite NAME',
    noMatch: 'No region has this in its name.',
    more: (count) => `${count} more regions; filter by name to see them.`,
    lost: 'The connection to the hub is lost; trying again.',
    old: (time) => `What is shown is from ${time} ago.`,
    over: 'The session is over. Sign in again.', failed: 'The hub does not answer. Try again.',
    units: ['s', 'min', 'h', 'd'], problems: {},
  },
  zh: {
    skip: '跳到内容', signIn: '登录', signOut: '退出', account: '账号', password: '密码',
    department: '部门（主管理节点的账号留空）', nothing: '您已登录。这里暂时没有可管理的内容。',
    regions: '区域', totals: '总计', each: '各区域', filter: '按名称筛选', all: '全部',
    healthy: '正常', degraded: '降级', unreachable: '失联', connecting: '连接中', removed: '已移除',
    name: '名称', state: '状态', why: '原因与下一步', since: '持续', servers: '云服务器',
    compute: '计算', memory: '内存', storage: '存储', disk: '本地磁盘', addresses: '网络地址',
    data: '数据时间', running: '运行', stopped: '停止', other: '其他',
    of: (used, total) => `${used} / ${total}`, vcpus: 'vCPU', ago: (time) => `${time}前`,
    never: '从未', unknown: '未知', untold: '未上报', atLeast: (value) => `至少 ${value}`,
    lacking: (count, shown) => `${shown} 个区域的数据不全`,
    none: '还没有区域。请在主管理节点上邀请：idp-hub region invite 名称',
    noMatch: '没有名称包含此内容的区域。',
    more: (count) => `还有 ${count} 个区域，可按名称筛选。`,
    lost: '与主管理节点的连接已断开，正在重试。',
    old: (time) => `显示的是${time}前的数据。`,
    over: '会话已结束，请重新登录。', failed: '主管理节点没有响应，请重试。',
    units: ['秒', '分钟', '小时', '天'], problems: {
      'wrong-password': '账号或密码不正确；部门用户也可能因为保存其密码的区域暂时无法访问，或近期错误次数过多。请一刻钟后再试，或请管理员处理；主管理节点的账号忘记密码时，可在其上运行 idp-hub account password。',
      'too-many-attempts': '尝试次数过多，请稍后再试。',
      'unavailable': '主管理节点繁忙，请稍后再试。',
    },
  },
};

// Reason and next step by code, in Chinese.
const REASONS_ZH = {
  'ok': ['', ''],
  'joining': ['刚加入，等待首次连接', '无需操作，代理会在一分钟内自动连接。'],
  'hub-restarted': ['主管理节点刚启动', '无需操作，代理会在一分钟内自动连接。'],
  'awaiting-acceptance': ['等待管理员确认', '与区域内 sp-agent status 显示的密钥指纹比对，然后运行 idp-hub region accept。'],
  'first-sync': ['首次同步中', '无需操作，资源清单正在上传。'],
  'hub-busy': ['主管理节点会话已满', '代理会自动重试；如持续出现，请为主管理节点扩容。'],
  'agent-stopped': ['代理已停止', '在该区域启动代理：systemctl start sp-agent。'],
  'connection-lost': ['连接中断', '检查该区域到主管理节点的网络（UDP 7443），再看 sp-agent status。'],
  'unstable': ['连接反复中断', '检查网络路径（UDP 7443、MTU、防火墙），并确认没有同一密钥的副本在运行。'],
  'credential-refused': ['云平台拒绝代理的凭据', '查明该账户的情况，再用 idp-hub region credential 或在该区域用 sp-agent credential set 提供有效凭据。'],
  'rights-missing': ['代理的账户缺少权限', '在该区域的云平台中恢复该账户的 admin 角色，或提供另一个账户。'],
  'service-failing': ['云平台服务无响应', '检查该区域云平台中指明的服务。'],
  'service-missing': ['云平台缺少服务', '安装该服务或在 Keystone 目录中注册；在此之前其数据为未知，而不是零。'],
  'spool-failing': ['代理无法保存新数据', '在该区域的代理主机上清理磁盘空间，或修复详情中指明的故障；在此之前不会上报新数据，之后代理会自动恢复。'],
  'region-full': ['资源记录超出上限', '清理占满该区域云平台的资源；如确有需要，请在 hub.toml 中调高 limits.region_records_max 并重启 idp-hub。'],
  'feed-stalled': ['代理在线但没有上报', '在该区域运行 sp-agent status 查看卡住的采集项；重启代理不会丢失数据。'],
  'sync-slow': ['同步过慢', '在该区域运行 sp-agent status 查看进度；常见原因是云 API 慢或带宽不足。'],
  'certificate-expiring': ['证书即将到期且未续期', '比对两端时钟，并查看 journalctl -u sp-agent 中的续期错误。'],
  'certificate-expired': ['证书已到期', '比对两端时钟，并查看 journalctl -u sp-agent 中的续期错误。'],
  'silent': ['长时间没有心跳', '检查代理所在主机是否运行，再检查到主管理节点的网络（UDP 7443）。该区域的云平台照常服务。'],
  'never-connected': ['加入后从未连接', '在该区域启动代理，并确认可访问主管理节点的 UDP 7443。'],
  'not-back': ['主管理节点重启后未恢复连接', '检查该区域的代理及其使用的主管理节点地址（sp-agent status）。'],
  'agent-left': ['该区域已退出联邦', '运行 idp-hub region remove 确认；如需恢复，移除后重新邀请。'],
  'refused-version': ['协议版本不兼容', '升级较旧的一方；两端最多相差一个协议版本。'],
  'refused-federation': ['代理跟随另一个联邦', '如需接管，请移除并重新邀请该区域，再在该区域运行 sp-agent leave 和 sp-agent join。'],
  'refused-epoch': ['代理跟随更高任期的主管理节点', '请使用新的主管理节点，并停止本节点。'],
  'protocol-error': ['代理发送了协议不允许的内容', '查看 journalctl -u sp-agent，比对两端版本，并附日志上报。'],
  'removed': ['管理员已移除', '无需操作；如需恢复请重新邀请，并在该区域运行 sp-agent leave，再用新邀请运行 sp-agent join。'],
};

// Reason and next step of a region, in a language.
export function reasonOf(language, region) {
  const known = language === 'zh' ? REASONS_ZH[region.reason] : undefined;
  if (known) return known;
  return region.reason === 'ok' ? ['', ''] : [region.reason.replaceAll('-', ' '), region.next_step];
}
