using System.Diagnostics.CodeAnalysis;
using FleetMdm.Storage.Filters;
using FleetMdm.Storage.GroupCommit;

namespace FleetMdm.Storage.Devices;

/// <summary>The columns of <c>devices</c> that a commit writes, once for both databases.</summary>
internal static class DeviceColumns
{
    /// <summary>Keeps the index of the search within what one entry of a B-tree may hold (2,700 bytes, three a character).</summary>
    private const int MaxSearchLength = 600;

    private const int MaxSearchPart = 120;

    /// <summary>Written instead of a token: forget the one that is stored. What is sealed is never empty.</summary>
    private static readonly byte[] Forgotten = [];

    /// <param name="Type">As PostgreSQL calls it.</param>
    /// <param name="IsEscrow">A token in escrow: null keeps the one that is stored, and a row tells only whether there is one.</param>
    internal sealed record Column(string Name, string Type, Func<CommitItem, object?> Value, bool IsEscrow = false)
    {
        /// <summary>What an update assigns, from the value that is offered.</summary>
        public string Assigned(string offered, string stored, string forgotten) =>
            IsEscrow ? $"nullif(coalesce({offered}, {stored}), {forgotten})" : offered;
    }

    /// <summary>Characters. What an iPad says of itself stands in indexes, and PostgreSQL takes 2,704 bytes into an entry of one. Real names are far below.</summary>
    private const int LongestName = 255;
    private const int LongestModel = 128;

    public static readonly IReadOnlyList<Column> All =
    [
        new("id", "text", c => c.Change.Row.Id),
        new("device_id", "text", c => c.Change.Row.DeviceId),
        new("kind", "smallint", c => (short)c.Change.Row.Kind),
        new("status", "smallint", c => (short)c.Change.Row.Status),
        new("version", "bigint", c => c.Change.Row.Version),
        new("write_id", "uuid", c => c.Change.WriteId),
        new("udid", "text", c => c.Change.Row.Udid),
        new("serial_number", "text", c => Indexed(c.Change.Row.SerialNumber, LongestName)),
        new("product_name", "text", c => Indexed(c.Change.Row.ProductName, LongestModel)),
        new("model", "text", c => Indexed(c.Change.Row.Model, LongestModel)),
        new("model_name", "text", c => Indexed(c.Change.Row.ModelName, LongestModel)),
        new("device_name", "text", c => Indexed(c.Change.Row.DeviceName, LongestName)),
        new("os_version", "text", c => c.Change.Row.OsVersion),
        new("build_version", "text", c => c.Change.Row.BuildVersion),
        new("imei", "text", c => c.Change.Row.Imei),
        new("meid", "text", c => c.Change.Row.Meid),
        new("user_short_name", "text", c => c.Change.Row.UserShortName),
        new("user_long_name", "text", c => c.Change.Row.UserLongName),
        new("school", "text", c => c.Change.Row.School),
        new("invitation_id", "text", c => c.Change.Row.InvitationId),
        new("topic", "text", c => c.Change.Row.Topic),
        new("push_token", "bytea", c => c.Change.Row.PushToken),
        new("push_magic", "text", c => c.Change.Row.PushMagic),
        new("push_token_dead", "text", c => c.Change.Row.PushTokenDead),
        new("unlock_token", "bytea", c => Escrow(c.Change, c.Change.UnlockToken), IsEscrow: true),
        new("bootstrap_token", "bytea", c => Escrow(c.Change, c.Change.BootstrapToken), IsEscrow: true),
        new("awaiting_configuration", "boolean", c => c.Change.Row.AwaitingConfiguration),
        new("authenticated_at", "timestamptz", c => c.Change.Row.AuthenticatedAt),
        new("enrolled_at", "timestamptz", c => c.Change.Row.EnrolledAt),
        new("token_updated_at", "timestamptz", c => c.Change.Row.TokenUpdatedAt),
        new("unenrolled_at", "timestamptz", c => c.Change.Row.UnenrolledAt),
        new("erase_sent_at", "timestamptz", c => c.Change.Row.EraseSentAt),
        new("is_supervised", "boolean", c => c.Change.Row.IsSupervised),
        new("battery_level", "double precision", c => c.Change.Row.BatteryLevel),
        new("device_capacity", "double precision", c => c.Change.Row.DeviceCapacity),
        new("available_device_capacity", "double precision", c => c.Change.Row.AvailableDeviceCapacity),
        new("details_at", "timestamptz", c => c.Change.Row.DetailsAt),
        new("is_shared", "boolean", c => c.Change.Row.IsShared),
        new("is_lost", "boolean", c => c.Change.Row.IsLost),
        new("access_rights", "integer", c => c.Change.Row.AccessRights),
        new("search", "text", c => c.Search),
        new("os_number", "bigint", c => VersionNumber.Of(c.Change.Row.OsVersion)),
        new("taken_messages", "bytea", c => c.Change.Row.TakenMessages),
    ];

    /// <summary>All of them, in order.</summary>
    public static readonly string Names = string.Join(", ", All.Select(c => c.Name));

    /// <summary>What an upsert assigns: all but the key, from the row that was offered.</summary>
    public static readonly string Assignments =
        string.Join(", ", All.Where(c => c.Name != "id").Select(c => $"{c.Name} = {c.Assigned($"excluded.{c.Name}", $"devices.{c.Name}", "''::bytea")}"));

    /// <summary>What <see cref="Read"/> reads, from <c>devices d</c> and <c>device_activity a</c>.</summary>
    public static readonly string Selected = string.Join(", ",
        All.Where(c => c.Name is not ("write_id" or "search" or "os_number")).Select(c => c.IsEscrow ? $"d.{c.Name} IS NOT NULL" : "d." + c.Name).Append("a.last_seen_at, a.pushed_at, a.push_result, a.reenrolment_granted_at, a.reenrolment_until, a.refresh_at"));

    public const string Joined = "devices d LEFT JOIN device_activity a ON a.id = d.id";

    public static DeviceRow Read(Row row, int at = 0)
    {
        var id = row.Text(at);
        return new()
        {
            Id = id,
            DeviceId = Same(row.Text(at + 1), id),
            Kind = (EnrolmentKind)row.Short(at + 2),
            Status = (EnrolmentStatus)row.Short(at + 3),
            Version = row.Long(at + 4),
            Udid = Same(row.TextOrNull(at + 5), id),
            SerialNumber = row.TextOrNull(at + 6),
            ProductName = CommonTexts.Share(row.TextOrNull(at + 7)),
            Model = CommonTexts.Share(row.TextOrNull(at + 8)),
            ModelName = CommonTexts.Share(row.TextOrNull(at + 9)),
            DeviceName = row.TextOrNull(at + 10),
            OsVersion = CommonTexts.Share(row.TextOrNull(at + 11)),
            BuildVersion = CommonTexts.Share(row.TextOrNull(at + 12)),
            Imei = row.TextOrNull(at + 13),
            Meid = row.TextOrNull(at + 14),
            UserShortName = row.TextOrNull(at + 15),
            UserLongName = row.TextOrNull(at + 16),
            School = CommonTexts.Share(row.TextOrNull(at + 17)),
            InvitationId = CommonTexts.Share(row.TextOrNull(at + 18)),
            Topic = CommonTexts.Share(row.TextOrNull(at + 19)),
            PushToken = row.BytesOrNull(at + 20),
            PushMagic = row.TextOrNull(at + 21),
            PushTokenDead = row.TextOrNull(at + 22),
            HasUnlockToken = row.Bool(at + 23),
            HasBootstrapToken = row.Bool(at + 24),
            AwaitingConfiguration = row.Bool(at + 25),
            AuthenticatedAt = row.TimeOrNull(at + 26),
            EnrolledAt = row.TimeOrNull(at + 27),
            TokenUpdatedAt = row.TimeOrNull(at + 28),
            UnenrolledAt = row.TimeOrNull(at + 29),
            EraseSentAt = row.TimeOrNull(at + 30),
            IsSupervised = row.BoolOrNull(at + 31),
            BatteryLevel = row.DoubleOrNull(at + 32),
            DeviceCapacity = row.DoubleOrNull(at + 33),
            AvailableDeviceCapacity = row.DoubleOrNull(at + 34),
            DetailsAt = row.TimeOrNull(at + 35),
            IsShared = row.BoolOrNull(at + 36),
            IsLost = row.BoolOrNull(at + 37),
            AccessRights = row.IntOrNull(at + 38),
            TakenMessages = row.BytesOrNull(at + 39),
            LastSeenAt = row.TimeOrNull(at + 40),
            PushedAt = row.TimeOrNull(at + 41),
            PushResult = CommonTexts.Share(row.TextOrNull(at + 42)),
            ReenrolmentGrantedAt = row.TimeOrNull(at + 43),
            ReenrolmentUntil = row.TimeOrNull(at + 44),
            RefreshAt = row.TimeOrNull(at + 45),
        };
    }

    private static byte[]? Escrow(EnrolmentChange change, EscrowChange? escrow) =>
        escrow is null ? null : escrow.Sealed ?? (change.Row.Version == 1 ? null : Forgotten);

    /// <summary>The same object, when it says the same: ids come up to three times in a row.</summary>
    [return: NotNullIfNotNull(nameof(text))]
    private static string? Same(string? text, string id) => text == id ? id : text;

    /// <summary>What the administrators' search looks into: serial number, names, ids, in lower case.</summary>
    public static string SearchText(DeviceRow row)
    {
        var parts = new[] { row.SerialNumber, row.DeviceName, row.Id, row.Udid == row.Id ? null : row.Udid, row.UserShortName, row.UserLongName }
            .Where(part => !string.IsNullOrEmpty(part))
            .Select(part => part!.Length > MaxSearchPart ? Cut(part, MaxSearchPart) : part);
        // A line break between the parts: no search text has one, so none matches across two parts.
        var text = string.Join('\n', parts).ToLowerInvariant();
        return text.Length > MaxSearchLength ? Cut(text, MaxSearchLength) : text;
    }

    private static string? Indexed(string? text, int longest) => text?.Length > longest ? Cut(text, longest) : text;

    private static string Cut(string text, int length) => text[..(char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)];
}
