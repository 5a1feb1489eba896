using System.Security.Cryptography;
using System.Text;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.Tests;

/// <summary>Rows for tests. Ids are new with each call, so that tests of one class can share a database.</summary>
internal static class Make
{
    public static readonly DateTimeOffset Now = new(2026, 3, 2, 8, 0, 0, 123, TimeSpan.Zero);

    public static string Id() => Guid.NewGuid().ToString("N").ToUpperInvariant();

    public static byte[] Hash() => System.Security.Cryptography.RandomNumberGenerator.GetBytes(32);

    public static DeviceRow Device(string? id = null, long version = 1) => new()
    {
        Id = id ?? Id(),
        DeviceId = (id ?? "").Split(':')[0],
        Kind = EnrolmentKind.Device,
        Status = EnrolmentStatus.Enrolled,
        Version = version,
        SerialNumber = "DMPX" + version,
        DeviceName = "iPad",
        ProductName = "iPad14,1",
        OsVersion = "18.3.1",
        Topic = "com.apple.mgmt.External.1",
        PushToken = [1, 2, 3],
        PushMagic = "magic",
    };

    public static EnrolmentChange Change(DeviceRow row) => new()
    {
        Row = row.DeviceId.Length == 0 ? row with { DeviceId = row.Id } : row,
        WriteId = Guid.NewGuid(),
        At = Now,
    };

    public static QueueAppend Command(string enrolmentId, string? uuid = null, string body = "<dict/>", DateTimeOffset? at = null) => new()
    {
        EnrolmentId = enrolmentId,
        CommandUuid = uuid ?? Guid.NewGuid().ToString().ToUpperInvariant(),
        RequestType = "DeviceInformation",
        Body = Encoding.UTF8.GetBytes(body),
        AcceptedAt = at ?? Now,
    };

    public static QueueMark NotNow(string enrolmentId, long sequence, DateTimeOffset at, int count) =>
        new() { EnrolmentId = enrolmentId, Sequence = sequence, NotNowAt = at, NotNowCount = count };

    public static QueueFinish Finish(
        string enrolmentId, long sequence, CommandEnding ending = CommandEnding.Acknowledged, byte[]? bodyHash = null) => new()
        {
            EnrolmentId = enrolmentId,
            Sequence = sequence,
            BodyHash = bodyHash ?? SHA256.HashData("<dict/>"u8),
            Ending = ending,
            FinishedAt = Now.AddMinutes(1),
            SentAt = Now.AddSeconds(30),
            Result = "<dict>result</dict>"u8.ToArray(),
        };

    /// <summary>An enrolled device, stored.</summary>
    public static async Task<DeviceRow> Enrolled(Node node, Func<DeviceRow, DeviceRow>? change = null, string? id = null)
    {
        var row = Device(id ?? Id());
        row = change is null ? row : change(row);
        var committed = await node.Devices.Commit(Change(row));
        Assert.Equal(CommitOutcome.Committed, committed.Outcome);
        return row;
    }
}
