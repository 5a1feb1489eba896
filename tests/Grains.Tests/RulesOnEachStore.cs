using FleetMdm.Grains.Tests.Devices;
using FleetMdm.Grains.Tests.Fixture;
using FleetMdm.Grains.Tests.Operations;

namespace FleetMdm.Grains.Tests;

// Each suite of rules on each store, with grains that stay and with grains that are deactivated after every step.

[Collection(nameof(OnSqlite))]
public sealed class QueueRulesOnSqlite(SqliteCluster cluster) : QueueRules(cluster, forgetful: false);

[Collection(nameof(OnSqlite))]
public sealed class QueueRulesOnSqliteForgetful(SqliteCluster cluster) : QueueRules(cluster, forgetful: true);

[Collection(nameof(OnPostgreSql))]
public sealed class QueueRulesOnPostgreSql(PostgresCluster cluster) : QueueRules(cluster, forgetful: false);

[Collection(nameof(OnPostgreSql))]
public sealed class QueueRulesOnPostgreSqlForgetful(PostgresCluster cluster) : QueueRules(cluster, forgetful: true);

[Collection(nameof(OnSqlite))]
public sealed class IdleRulesOnSqlite(SqliteCluster cluster) : IdleRules(cluster);

[Collection(nameof(OnPostgreSql))]
public sealed class IdleRulesOnPostgreSql(PostgresCluster cluster) : IdleRules(cluster);

[Collection(nameof(OnSqlite))]
public sealed class EnrolmentRulesOnSqlite(SqliteCluster cluster) : EnrolmentRules(cluster, forgetful: false);

[Collection(nameof(OnSqlite))]
public sealed class EnrolmentRulesOnSqliteForgetful(SqliteCluster cluster) : EnrolmentRules(cluster, forgetful: true);

[Collection(nameof(OnPostgreSql))]
public sealed class EnrolmentRulesOnPostgreSql(PostgresCluster cluster) : EnrolmentRules(cluster, forgetful: false);

[Collection(nameof(OnPostgreSql))]
public sealed class EnrolmentRulesOnPostgreSqlForgetful(PostgresCluster cluster) : EnrolmentRules(cluster, forgetful: true);

[Collection(nameof(OnSqlite))]
public sealed class PushRulesOnSqlite(SqliteCluster cluster) : PushRules(cluster);

[Collection(nameof(OnPostgreSql))]
public sealed class PushRulesOnPostgreSql(PostgresCluster cluster) : PushRules(cluster);

[Collection(nameof(OnSqlite))]
public sealed class OperationRulesOnSqlite(SqliteCluster cluster) : OperationRules(cluster);

[Collection(nameof(OnPostgreSql))]
public sealed class OperationRulesOnPostgreSql(PostgresCluster cluster) : OperationRules(cluster);

[Collection(nameof(OnSqlite))]
public sealed class PacedOperationRulesOnSqlite(SqliteCluster cluster) : PacedOperationRules(cluster);

[Collection(nameof(OnPostgreSql))]
public sealed class PacedOperationRulesOnPostgreSql(PostgresCluster cluster) : PacedOperationRules(cluster);

[Collection(nameof(OnSqlite))]
public sealed class RepeatRulesOnSqlite(SqliteCluster cluster) : RepeatRules(cluster);

[Collection(nameof(OnPostgreSql))]
public sealed class RepeatRulesOnPostgreSql(PostgresCluster cluster) : RepeatRules(cluster);

[Collection(nameof(OnSqlite))]
public sealed class ClockRulesOnSqlite(SqliteCluster cluster) : ClockRules(cluster, forgetful: false);

[Collection(nameof(OnSqlite))]
public sealed class ClockRulesOnSqliteForgetful(SqliteCluster cluster) : ClockRules(cluster, forgetful: true);

[Collection(nameof(OnPostgreSql))]
public sealed class ClockRulesOnPostgreSql(PostgresCluster cluster) : ClockRules(cluster, forgetful: false);

[Collection(nameof(OnPostgreSql))]
public sealed class ClockRulesOnPostgreSqlForgetful(PostgresCluster cluster) : ClockRules(cluster, forgetful: true);

[Collection(nameof(OnSqlite))]
public sealed class IdentityRulesOnSqlite(SqliteCluster cluster) : IdentityRules(cluster, forgetful: false);

[Collection(nameof(OnSqlite))]
public sealed class IdentityRulesOnSqliteForgetful(SqliteCluster cluster) : IdentityRules(cluster, forgetful: true);

[Collection(nameof(OnPostgreSql))]
public sealed class IdentityRulesOnPostgreSql(PostgresCluster cluster) : IdentityRules(cluster, forgetful: false);

[Collection(nameof(OnPostgreSql))]
public sealed class IdentityRulesOnPostgreSqlForgetful(PostgresCluster cluster) : IdentityRules(cluster, forgetful: true);

[Collection(nameof(OnSqlite))]
public sealed class ExamRulesOnSqlite(SqliteCluster cluster) : ExamRules(cluster, forgetful: false);

[Collection(nameof(OnSqlite))]
public sealed class ExamRulesOnSqliteForgetful(SqliteCluster cluster) : ExamRules(cluster, forgetful: true);

[Collection(nameof(OnPostgreSql))]
public sealed class ExamRulesOnPostgreSql(PostgresCluster cluster) : ExamRules(cluster, forgetful: false);

[Collection(nameof(OnPostgreSql))]
public sealed class ExamRulesOnPostgreSqlForgetful(PostgresCluster cluster) : ExamRules(cluster, forgetful: true);

[Collection(nameof(OnSqlite))]
public sealed class ReturnRulesOnSqlite(SqliteCluster cluster) : ReturnRules(cluster, forgetful: false);

[Collection(nameof(OnSqlite))]
public sealed class ReturnRulesOnSqliteForgetful(SqliteCluster cluster) : ReturnRules(cluster, forgetful: true);

[Collection(nameof(OnPostgreSql))]
public sealed class ReturnRulesOnPostgreSql(PostgresCluster cluster) : ReturnRules(cluster, forgetful: false);

[Collection(nameof(OnPostgreSql))]
public sealed class ReturnRulesOnPostgreSqlForgetful(PostgresCluster cluster) : ReturnRules(cluster, forgetful: true);
