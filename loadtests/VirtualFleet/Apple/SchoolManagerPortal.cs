using System.Text.Json.Nodes;

namespace FleetMdm.VirtualFleet.Apple;

/// <summary>The simulated Apple School Manager: servers, their tokens, and which iPad is on which server.</summary>
/// <remarks>Safe for any number of callers.</remarks>
public sealed class SchoolManagerPortal(TimeProvider time)
{
    private static readonly TimeSpan TokenLasts = TimeSpan.FromDays(365);

    private static readonly TimeSpan LatestDeadline = TimeSpan.FromDays(90);

    private readonly List<SimulatedMdmServer> _servers = [];
    private readonly Dictionary<string, SimulatedPurchase> _purchases = new(StringComparer.Ordinal);

    internal Lock Lock { get; } = new();

    public IReadOnlyList<SimulatedMdmServer> Servers
    {
        get
        {
            lock (Lock)
                return [.. _servers];
        }
    }

    /// <summary>A person adds a device management service, and uploads its public key.</summary>
    public SimulatedMdmServer AddServer(string name, string certificatePem)
    {
        lock (Lock)
        {
            var server = new SimulatedMdmServer(name) { CertificatePem = certificatePem };
            _servers.Add(server);
            return server;
        }
    }

    /// <summary>A person uploads another public key. The token of today stays as it is.</summary>
    public void UploadKey(SimulatedMdmServer server, string certificatePem)
    {
        lock (Lock)
            server.CertificatePem = certificatePem;
    }

    /// <summary>A person presses "Download Token": the one before is worth nothing from now on.</summary>
    public byte[] DownloadToken(SimulatedMdmServer server, TimeSpan? lasts = null)
    {
        lock (Lock)
        {
            server.Token = SimulatedServerToken.New(time.GetUtcNow() + (lasts ?? TokenLasts));
            server.Sessions.Clear();
            return server.Token.ToFile(server.CertificatePem!);
        }
    }

    public void DeleteServer(SimulatedMdmServer server)
    {
        lock (Lock)
        {
            _servers.Remove(server);
            foreach (var purchase in _purchases.Values.Where(one => one.Server == server))
                Leave(purchase);
        }
    }

    /// <summary>An iPad of the organisation; it is bought if it is not there.</summary>
    public SimulatedPurchase Find(string serialNumber)
    {
        lock (Lock)
            return FindLocked(serialNumber);
    }

    /// <summary>iPads come to a server: bought for it, or moved from another one.</summary>
    public void Assign(SimulatedMdmServer server, params IEnumerable<string> serialNumbers)
    {
        lock (Lock)
        {
            foreach (var serial in serialNumbers)
            {
                var purchase = FindLocked(serial);
                if (purchase.Server == server) continue;
                Move(purchase, server);
            }
        }
    }

    /// <summary>
    /// A person assigns iPads that are in use to another service, with a deadline. They leave the list of the one before, and come to that of the other, whose record says the deadline
    /// (<see href="https://developer.apple.com/documentation/devicemanagement/migrating-managed-devices"/>).
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The deadline is not within 90 days.</exception>
    public void Migrate(SimulatedMdmServer server, DateTimeOffset deadline, params IEnumerable<string> serialNumbers)
    {
        CheckDeadline(deadline);
        lock (Lock)
        {
            foreach (var serial in serialNumbers)
            {
                var purchase = FindLocked(serial);
                if (purchase.Server is not { } before || before == server) throw new InvalidOperationException($"{serial} is on no other service.");
                Move(purchase, server, before, deadline);
            }
        }
    }

    /// <summary>A person moves the deadline.</summary>
    public void MoveDeadline(string serialNumber, DateTimeOffset deadline)
    {
        CheckDeadline(deadline);
        Modify(serialNumber, purchase => purchase.MigrationDeadline = purchase.MigratesFrom is null ? throw new InvalidOperationException($"{serialNumber} does not move.") : deadline);
    }

    /// <summary>A person cancels the move before it has begun: the iPad is on the service before again.</summary>
    public void CancelMigration(string serialNumber)
    {
        lock (Lock)
        {
            var purchase = FindLocked(serialNumber);
            if (purchase.MigratesFrom is not { } before) throw new InvalidOperationException($"{serialNumber} does not move.");
            Move(purchase, before);
        }
    }

    /// <summary>Whether the iPad has been told to move: it is to, and the new service has assigned a profile that lets it.</summary>
    /// <returns>Why not; null: it has.</returns>
    internal string? MayMigrate(string serialNumber)
    {
        lock (Lock)
        {
            var purchase = FindLocked(serialNumber);
            if (purchase.MigratesFrom is null) return "Apple School Manager does not move this iPad.";
            if (purchase is not { Server: { } server, ProfileUuid: { } uuid } || !server.Profiles.TryGetValue(uuid, out var profile)) return "The new service has assigned no enrolment profile.";
            return IsSet(profile, "is_multi_user") || IsSet(profile, "is_return_to_service") ? "A Shared iPad and one for Return to Service do not move." : null;
        }
    }

    /// <summary>The move has begun, and cannot be cancelled any more. The record keeps its deadline: Apple does not say that it goes.</summary>
    internal void MigrationBegins(string serialNumber)
    {
        lock (Lock)
            FindLocked(serialNumber).MigratesFrom = null;
    }

    private void CheckDeadline(DateTimeOffset deadline) => ArgumentOutOfRangeException.ThrowIfGreaterThan(deadline, time.GetUtcNow() + LatestDeadline);

    private static bool IsSet(JsonObject profile, string key) => profile[key] is JsonValue value && (bool)value;

    /// <summary>iPads leave their server.</summary>
    public void Unassign(params IEnumerable<string> serialNumbers)
    {
        lock (Lock)
        {
            foreach (var serial in serialNumbers)
                Leave(FindLocked(serial));
        }
    }

    /// <summary>Something of an iPad is changed: colour, asset tag.</summary>
    public void Modify(string serialNumber, Action<SimulatedPurchase> change)
    {
        lock (Lock)
        {
            var purchase = FindLocked(serialNumber);
            change(purchase);
            Tell(purchase);
        }
    }

    /// <summary>A program that has the token takes the profile from an iPad. Its record goes on naming the profile: so it was seen.</summary>
    public void RemoveProfile(string serialNumber)
    {
        lock (Lock)
        {
            var purchase = FindLocked(serialNumber);
            purchase.ProfileStatus = "removed";
            Tell(purchase);
        }
    }

    /// <summary>The iPad is activated: it takes its profile.</summary>
    /// <returns>The profile; null: it has none, and sets itself up without a server.</returns>
    public JsonObject? Activate(string serialNumber)
    {
        lock (Lock)
        {
            var purchase = FindLocked(serialNumber);
            if (purchase is not { Server: { } server, ProfileUuid: { } uuid, ProfileStatus: not "removed" } || !server.Profiles.TryGetValue(uuid, out var profile)) return null;
            (purchase.ProfileStatus, purchase.ProfilePushedAt) = ("pushed", time.GetUtcNow());
            Tell(purchase);
            return (JsonObject)profile.DeepClone();
        }
    }

    /// <summary>An event comes once more, or late: as of an earlier time.</summary>
    public void TellAgain(string serialNumber, string type, DateTimeOffset at)
    {
        lock (Lock)
        {
            var purchase = FindLocked(serialNumber);
            foreach (var server in _servers)
            {
                if (purchase.Server == server || type == "deleted") server.Events.Add(new DeviceEvent(type, at, Record(purchase)));
            }
        }
    }

    internal SimulatedPurchase? FindIn(SimulatedMdmServer server, string serialNumber) =>
        _purchases.GetValueOrDefault(serialNumber) is { } purchase && purchase.Server == server ? purchase : null;

    internal IReadOnlyList<string> SerialsOf(SimulatedMdmServer server) =>
        [.. _purchases.Values.Where(one => one.Server == server).OrderBy(one => one.AssignedAt).ThenBy(one => one.SerialNumber, StringComparer.Ordinal).Select(one => one.SerialNumber)];

    internal void Tell(SimulatedPurchase purchase) => purchase.Server?.Events.Add(new DeviceEvent("modified", time.GetUtcNow(), Record(purchase)));

    /// <summary>As version 10 has it; what an older one lacks is taken away when it is sent.</summary>
    internal static JsonObject Record(SimulatedPurchase purchase)
    {
        var record = new JsonObject
        {
            ["serial_number"] = purchase.SerialNumber,
            ["model"] = purchase.Model,
            ["description"] = purchase.Description,
            ["color"] = purchase.Color,
            ["device_family"] = "iPad",
            ["os"] = "iPadOS",
            ["profile_status"] = purchase.ProfileStatus,
            ["device_assigned_by"] = "admin@school.example",
        };
        if (purchase.AssetTag.Length > 0) record["asset_tag"] = purchase.AssetTag;
        if (purchase.ProfileUuid is not null) record["profile_uuid"] = purchase.ProfileUuid;
        Put("device_assigned_date", purchase.AssignedAt);
        Put("profile_assign_time", purchase.ProfileAssignedAt);
        Put("profile_push_time", purchase.ProfilePushedAt);
        Put("mdm_migration_deadline", purchase.MigrationDeadline);
        return record;

        void Put(string name, DateTimeOffset? at)
        {
            if (at is { } value) record[name] = DeviceEnrolmentEndpoint.Time(value);
        }
    }

    private SimulatedPurchase FindLocked(string serialNumber)
    {
        if (!_purchases.TryGetValue(serialNumber, out var purchase)) _purchases[serialNumber] = purchase = new SimulatedPurchase(serialNumber);
        return purchase;
    }

    private void Move(SimulatedPurchase purchase, SimulatedMdmServer server, SimulatedMdmServer? from = null, DateTimeOffset? deadline = null)
    {
        Leave(purchase);
        (purchase.Server, purchase.AssignedAt, purchase.MigratesFrom, purchase.MigrationDeadline) = (server, time.GetUtcNow(), from, deadline);
        server.Events.Add(new DeviceEvent("added", time.GetUtcNow(), Record(purchase)));
    }

    private void Leave(SimulatedPurchase purchase)
    {
        if (purchase.Server is not { } server) return;
        server.Events.Add(new DeviceEvent("deleted", time.GetUtcNow(), Record(purchase)));
        (purchase.Server, purchase.AssignedAt, purchase.ProfileUuid, purchase.ProfileStatus) = (null, null, null, "empty");
        (purchase.ProfileAssignedAt, purchase.ProfilePushedAt, purchase.ThrottledUntil) = (null, null, null);
        (purchase.MigratesFrom, purchase.MigrationDeadline) = (null, null);
    }
}
