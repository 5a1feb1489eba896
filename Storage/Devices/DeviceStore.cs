using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.GroupCommit;
using FleetMdm.Storage.Inventory;
using FleetMdm.Storage.Secrets;

namespace FleetMdm.Storage.Devices;

/// <summary>
/// The device plane over either database: checks what it is given, finds the lane, and waits for the batch. The statements are the
/// executors' (<c>PostgresWriter</c>, <c>SqliteWriter</c> and their readers).
/// </summary>
/// <remarks>Threading and bounds: see <see cref="Lane"/>. One device and its user channels always meet in one lane, so their writes keep
/// their order and no two transactions of this node wait for each other's rows.</remarks>
internal sealed class DeviceStore(
    StoreLanes lanes, IActivityStore activity, BodyCache cache, BodySealer sealer, StorageMetrics metrics) : IDeviceStore
{
    public Task<DeviceSnapshot> Load(string enrolmentId)
    {
        StoredText.Check("The enrolment id", enrolmentId);
        return lanes.Reader().Run(new LoadItem(enrolmentId));
    }

    public async Task<EnrolmentCommitted> Commit(EnrolmentChange change)
    {
        CheckRow(change.Row);
        if (change.Pin is { } pin)
            _ = new BodyKey(pin.Sha256);
        if (change.Finish is { } finish)
            change = change with { Finish = Checked(finish) };
        var committed = await lanes.Writer(change.Row.Id).Run(new CommitItem(change));
        if (committed.Outcome == CommitOutcome.VersionConflict)
            metrics.Conflicts.Add(1);
        return committed;
    }

    public async Task<QueueAppended> Append(QueueAppend command)
    {
        StoredText.Check("The enrolment id", command.EnrolmentId);
        StoredText.Check("The CommandUUID", command.CommandUuid);
        StoredText.Check("The request type", command.RequestType);
        var name = sealer.Name(command.Body.Span);
        var stored = command with { Body = sealer.SealBody(name, command.Body.Span) };
        return await lanes.Writer(command.EnrolmentId).Run(new AppendItem(stored, name));
    }

    public Task<bool> Finish(QueueFinish finish) => lanes.Writer(finish.EnrolmentId).Run(new FinishItem(Checked(finish)));

    private QueueFinish Checked(QueueFinish finish)
    {
        StoredText.Check("The enrolment id", finish.EnrolmentId);
        StoredText.Check("The error summary", finish.ErrorSummary);
        StoredText.Check("The identifier of the profile", finish.ProfileIdentifier);
        CheckInventory(finish.Inventory);
        return finish.Result is { } answer ? finish with { Result = sealer.SealAnswer(finish.Sequence, answer.Span) } : finish;
    }

    public Task Mark(QueueMark mark)
    {
        StoredText.Check("The enrolment id", mark.EnrolmentId);
        return lanes.Writer(mark.EnrolmentId).Run(new MarkItem(mark));
    }

    public async Task Touch(IReadOnlyList<(string EnrolmentId, DateTimeOffset At)> seen)
    {
        foreach (var (id, _) in seen)
            StoredText.Check("The enrolment id", id);
        if (seen.Count > 0)
            await activity.Touch(seen);
    }

    public async Task RecordPushes(IReadOnlyList<PushRecord> pushes)
    {
        foreach (var push in pushes)
        {
            StoredText.Check("The enrolment id", push.EnrolmentId);
            StoredText.Check("The result of the push", push.Result);
        }

        if (pushes.Count > 0)
            await activity.RecordPushes(pushes);
    }

    public ValueTask<byte[]?> LoadBody(byte[] hash)
    {
        var key = new BodyKey(hash);
        return cache.TryGet(key, out var body) ? ValueTask.FromResult(body) : new(LoadAndCache(key, hash));
    }

    public Task<byte[]> StoreBody(ReadOnlyMemory<byte> body)
    {
        var name = sealer.Name(body.Span);
        return lanes.Writer(name).Run(new StoreBodyItem(name, sealer.SealBody(name, body.Span)));
    }

    public bool IsBody(byte[] hash, ReadOnlyMemory<byte> body) => sealer.IsNamed(hash, body.Span);

    public Task<CertificateStanding> FindCertificate(byte[] sha256)
    {
        _ = new BodyKey(sha256);
        return lanes.Reader().Run(new FindCertificateItem(sha256));
    }

    private async Task<byte[]?> LoadAndCache(BodyKey key, byte[] hash)
    {
        if (await lanes.Reader().Run(new LoadBodyItem(hash)) is not { } stored)
            return null;
        var body = sealer.OpenBody(hash, stored);
        cache.Add(key, body);
        return body;
    }

    private static void CheckInventory(InventoryChange? change)
    {
        foreach (var item in change?.Difference?.Put ?? [])
        {
            StoredText.Check("The key of an item", item.Key);
            StoredText.Check("The name of an item", item.Name);
            StoredText.Check("The value of an item", item.Value);
            StoredText.Check("The details of an item", item.Details);
        }
    }

    private static void CheckRow(DeviceRow row)
    {
        StoredText.Check("Id", row.Id);
        StoredText.Check("DeviceId", row.DeviceId);
        StoredText.Check("Udid", row.Udid);
        StoredText.Check("SerialNumber", row.SerialNumber);
        StoredText.Check("ProductName", row.ProductName);
        StoredText.Check("Model", row.Model);
        StoredText.Check("ModelName", row.ModelName);
        StoredText.Check("DeviceName", row.DeviceName);
        StoredText.Check("OsVersion", row.OsVersion);
        StoredText.Check("BuildVersion", row.BuildVersion);
        StoredText.Check("Imei", row.Imei);
        StoredText.Check("Meid", row.Meid);
        StoredText.Check("UserShortName", row.UserShortName);
        StoredText.Check("UserLongName", row.UserLongName);
        StoredText.Check("School", row.School);
        StoredText.Check("InvitationId", row.InvitationId);
        StoredText.Check("Topic", row.Topic);
        StoredText.Check("PushMagic", row.PushMagic);
        StoredText.Check("PushTokenDead", row.PushTokenDead);
    }
}
