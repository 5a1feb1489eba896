using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Operations;

namespace FleetMdm.Storage.Assignments;

// Roll-outs. The row of the assignment is locked by whoever moves one on, and what a wave begins with is written in the same transaction.

/// <inheritdoc cref="IRollOutStore"/>
internal sealed partial class AssignmentStore : IRollOutStore
{
    private const string RollOutColumns = "a.roll_out, a.roll_out_phase, a.roll_out_wave, a.roll_out_excused, a.roll_out_total, a.roll_out_limit, a.roll_out_wave_at, a.roll_out_stop_reason";

    /// <summary>Failed, also while it is just tried again.</summary>
    private const string HasFailed = "(x.state = 4 OR (x.state IN (1, 2) AND x.attempts > 0 AND a.content_location IS NULL))";

    /// <summary>Never sent: the iPad needs to hear nothing.</summary>
    private const string NeverSent = "state = 1 AND installed IS NULL AND command_uuid IS NULL AND attempts = 0";

    private const string OfWaves = "FROM assignments a JOIN assignment_devices x ON x.assignment_id = a.id AND x.wave IS NOT NULL AND x.state < 6 JOIN devices d ON d.id = x.device_id AND d.status = 2";

    public async Task<IReadOnlyList<RunningRollOut>> ListRunning() => await database.Read(s => s
        .Sql($"SELECT {RollOutColumns}, a.id, a.name FROM assignments a WHERE a.roll_out_phase = 1 AND a.phase = 1 AND a.deleted_at IS NULL ORDER BY a.id")
        .List(row => new RunningRollOut(row.Text(8), row.Text(9), ReadRollOut(row, 0)!)));

    public Task<WaveCounts> Count(RunningRollOut rollOut)
    {
        StoredText.Check("The assignment's id", rollOut.Id);
        return database.Read(async s =>
        {
            var wave = (await Waves(s, rollOut.Id)).Find(one => one.Wave == rollOut.RollOut.Wave);
            return wave is null
                ? new WaveCounts(0, 0, rollOut.RollOut.WaveAt, 0, 0, 0)
                : new WaveCounts(0, wave.IPads, rollOut.RollOut.WaveAt, wave.Installed, wave.Failed, wave.Installed + wave.Failed + wave.NotApplicable);
        });
    }

    public async Task<IReadOnlyList<RollOutWaveRow>> ListWaves(string id)
    {
        StoredText.Check("The assignment's id", id);
        return await database.Read(s => Waves(s, id));
    }

    private static Task<List<RollOutWaveRow>> Waves(Session s, string id) => s
        .Sql($"""
            SELECT x.wave, count(*), sum(CASE WHEN x.state = 3 THEN 1 ELSE 0 END), sum(CASE WHEN {HasFailed} THEN 1 ELSE 0 END), sum(CASE WHEN x.state = 5 THEN 1 ELSE 0 END)
            {OfWaves} WHERE a.id = @id GROUP BY x.wave ORDER BY x.wave
            """)
        .Text("@id", id).List(row => new RollOutWaveRow(row.Int(0), row.Long(1), row.Long(2), row.Long(3), row.Long(4)));

    public Task<string?> MostFrequentReason(string id, int wave)
    {
        StoredText.Check("The assignment's id", id);
        return database.Read(s => s
            .Sql($"SELECT x.reason {OfWaves} WHERE a.id = @id AND x.wave = @wave AND {HasFailed} AND x.reason IS NOT NULL GROUP BY x.reason ORDER BY count(*) DESC, x.reason LIMIT 1")
            .Text("@id", id).Int("@wave", wave).First(row => row.TextOrNull(0)));
    }

    public async Task<IReadOnlyList<(string Id, string Name)>> ListStopped(Scope scope, int limit) => await database.Read(s => s
        .Sql($"SELECT a.id, a.name FROM assignments a WHERE a.roll_out_phase = 2 AND a.phase = 1 AND a.deleted_at IS NULL AND {scope.Covers(database, "a.school_id")} ORDER BY a.name_key LIMIT @limit")
        .Int("@limit", limit).Within(scope).List(row => (row.Text(0), row.Text(1))));

    public Task<long> Begin(string id, DateTimeOffset now)
    {
        StoredText.Check("The assignment's id", id);
        return database.Write(async s =>
        {
            if (await FindIn(s, Scope.District, id) is not { Assignment: { Phase: AssignmentPhase.InForce, RollOut: not null } } row) return 0L;
            if (!(await AssignmentTargets.Standing(s, TargetOf(row.Assignment, now))).Usable) return 0L;
            var changed = await Reach(s, row, now);
            if (changed > 0) await NextNumber(s);
            return changed;
        }, timeout: ReachTimeout);
    }

    public Task<bool> NextWave(string id, int ended, DateTimeOffset now)
    {
        StoredText.Check("The assignment's id", id);
        return database.Write(async s =>
        {
            if (await LockRollOut(s, id) is not { Phase: OperationPhase.Running } standing || standing.Wave != ended) return false;
            if (await FindIn(s, Scope.District, id) is not { Assignment.Phase: AssignmentPhase.InForce } row) return false;
            // One whose target cannot be used any more waits until it can.
            if (!(await AssignmentTargets.Standing(s, TargetOf(row.Assignment, now))).Usable) return false;
            if (standing.IsLast) await WriteRollOut(s, id, standing with { Phase = OperationPhase.Over, Limit = null });
            else await BeginWave(s, id, standing, standing.Wave + 1, now);
            // Also those that came while nobody looked.
            await Reach(s, row, now);
            await NextNumber(s);
            return true;
        }, timeout: ReachTimeout);
    }

    public Task<bool> Stop(string id, int wave, bool withdraw, string reason, AuditRecord? audit)
    {
        StoredText.Check("The assignment's id", id);
        return database.Write(async s =>
        {
            if (await LockRollOut(s, id) is not { Phase: OperationPhase.Running } standing || standing.Wave != wave) return false;
            await WriteRollOut(s, id, standing with { Phase = OperationPhase.Paused, Limit = 0, StopReason = reason.Length > LongestReason ? reason[..LongestReason] : reason });
            if (withdraw) await s.Sql($"DELETE FROM assignment_devices WHERE assignment_id = @id AND wave = @wave AND {NeverSent}").Text("@id", id).Int("@wave", wave).Execute();
            await NextNumber(s);
            if ((await FindIn(s, Scope.District, id))?.Assignment.Licence is { } licence) await Touch(s, licence);
            if (audit is not null) await AuditColumns.Add(s, audit);
            return true;
        }, timeout: ReachTimeout);
    }

    public Task<bool?> GoOn(Scope scope, string id, DateTimeOffset now, AuditRecord? audit)
    {
        StoredText.Check("The assignment's id", id);
        return database.Write<bool?>(async s =>
        {
            if (await Lock(s, scope, id) is not { RollOut: var standing }) return null;
            if (standing is not { Phase: OperationPhase.Paused } || await FindIn(s, scope, id) is not { Assignment.Phase: AssignmentPhase.InForce } row) return false;
            // What is left of the wave that stopped comes with the next one, or with the same when there is none.
            await BeginWave(s, id, standing with { Excused = standing.Wave }, Math.Min(standing.Wave + 1, standing.Ends.Count), now);
            var reached = (await AssignmentTargets.Standing(s, TargetOf(row.Assignment, now))).Usable ? await Reach(s, row, now) : 0;
            await NextNumber(s);
            if (audit is not null) await AuditColumns.Add(s, audit with { Count = reached });
            return true;
        }, timeout: ReachTimeout);
    }

    public Task<bool?> TakeBack(Scope scope, string id, DateTimeOffset now, string by, AuditRecord? audit)
    {
        StoredText.Check("The assignment's id", id);
        StoredText.Check("The name of who asked", by);
        return database.Write<bool?>(async s =>
        {
            if (await Lock(s, scope, id) is not { } standing) return null;
            if (standing is not { Phase: AssignmentPhase.InForce, RollOut.Phase: not OperationPhase.Over }) return false;
            await s.Sql("UPDATE assignments SET phase = 2, ends_at = @now, version = version + 1, updated_at = @now, updated_by = @by WHERE id = @id").Text("@id", id).Time("@now", now).Text("@by", by).Execute();
            var reached = await Reach(s, (await FindIn(s, scope, id))!, now);
            await NextNumber(s);
            await Touch(s, standing.Licence);
            if (audit is not null) await AuditColumns.Add(s, audit with { Count = reached });
            return true;
        }, timeout: ReachTimeout);
    }

    /// <summary>For somebody who writes the assignment: its roll-out begins, or begins anew, for the iPads that do not have it.</summary>
    private static async Task BeginAnew(Session s, Assignment assignment)
    {
        if (assignment.RollOut is not { Wave: 0 } anew) return;
        await s.Sql("UPDATE assignment_devices SET wave = NULL WHERE assignment_id = @id AND wave IS NOT NULL").Text("@id", assignment.Id).Execute();
        await WriteRollOut(s, assignment.Id, anew);
    }

    /// <summary>How many more iPads an assignment may come to now, and in which wave.</summary>
    /// <param name="found">What its target finds.</param>
    /// <param name="subject">The column of that which says whose standing it is.</param>
    /// <returns>No room: as many as there are. No wave: it is not rolled out.</returns>
    private static async Task<(int? Wave, long? Room)> TurnOf(Session s, Assignment assignment, string found, string subject, Action<Statement> bind, DateTimeOffset now)
    {
        // Whoever moves it on at this moment is waited for: as it was read it may not be any more.
        if (assignment.RollOut is null || await LockRollOut(s, assignment.Id) is not { Phase: not OperationPhase.Over } one) return (null, null);
        if (assignment.Phase != AssignmentPhase.InForce)
        {
            // If it is put in force again, it begins with the first wave.
            if (one.Wave > 0) await BeginAnew(s, assignment with { RollOut = new AssignmentRollOut { Pace = one.Pace } });
            return (null, 0);
        }

        if (one.Wave == 0)
        {
            var total = await s
                .Sql($"SELECT count(*) FROM {found} AND NOT EXISTS (SELECT 1 FROM assignment_devices x WHERE x.device_id = {subject} AND x.assignment_id = @id AND x.state < 6)")
                .Bind(bind).Text("@id", assignment.Id).First(row => row.Long(0));
            // With nobody to try it on, it does not begin.
            if (total == 0) return (null, 0);
            one = one with { Wave = 1, Total = total, WaveAt = now };
            one = one with { Limit = one.LimitOf(1) };
            await WriteRollOut(s, assignment.Id, one);
        }

        if (one.Limit is not { } limit) return (one.Wave, null);
        var reached = await s.Sql($"SELECT count(*) {OfWaves} WHERE a.id = @id").Text("@id", assignment.Id).First(row => row.Long(0));
        return (one.Wave, Math.Max(0, limit - reached));
    }

    private static Task BeginWave(Session s, string id, AssignmentRollOut standing, int wave, DateTimeOffset now) => WriteRollOut(
        s, id, standing with { Phase = OperationPhase.Running, Wave = wave, WaveAt = now, Limit = standing.LimitOf(wave), StopReason = null });

    private static Task<AssignmentRollOut?> LockRollOut(Session s, string id) => s
        .Sql($"SELECT {RollOutColumns} FROM assignments a WHERE a.id = @id AND a.deleted_at IS NULL{s.Database.ForUpdate}").Text("@id", id).First(row => ReadRollOut(row, 0));

    private static Task WriteRollOut(Session s, string id, AssignmentRollOut one) => s
        .Sql("""
            UPDATE assignments SET roll_out = @pace, roll_out_phase = @phase, roll_out_wave = @wave, roll_out_excused = @excused, roll_out_total = @total, roll_out_limit = @limit,
              roll_out_wave_at = @at, roll_out_stop_reason = @reason
            WHERE id = @id
            """)
        .Text("@id", id).Text("@pace", one.Pace.Write()).Short("@phase", (short)one.Phase).Int("@wave", one.Wave).Int("@excused", one.Excused).Long("@total", one.Total)
        .Long("@limit", one.Limit).Time("@at", one.WaveAt).Text("@reason", one.StopReason).Execute();

    private static AssignmentRollOut? ReadRollOut(Row row, int at) => OperationPace.Read(row.TextOrNull(at)) is not { } pace ? null : new()
    {
        Pace = pace,
        Phase = (OperationPhase)row.Short(at + 1),
        Wave = row.Int(at + 2),
        Excused = row.Int(at + 3),
        Total = row.Long(at + 4),
        Limit = row.LongOrNull(at + 5),
        WaveAt = row.TimeOrNull(at + 6),
        StopReason = row.TextOrNull(at + 7),
    };
}
