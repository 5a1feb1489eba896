using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace FleetMdm.VirtualFleet.Apple;

/// <summary>Something that a location owns.</summary>
/// <param name="AdamId">Its number in the App Store.</param>
/// <param name="Pricing">STDQ or PLUS.</param>
public sealed record SimulatedAsset(string AdamId, string Pricing)
{
    public int Total { get; set; }
    public string ProductType { get; init; } = "App";
    public bool DeviceAssignable { get; init; } = true;
    public bool Revocable { get; init; } = true;
    /// <summary>Made for this organisation: the App Store tells nobody else its name.</summary>
    public bool IsCustom { get; init; }

    /// <summary>As the App Store has it; null: it was withdrawn, and nobody tells its name.</summary>
    public (string Name, string BundleId)? Store { get; init; }
}

/// <summary>A licence that was given.</summary>
public sealed record SimulatedLicence(string AdamId, string Pricing, string SerialNumber);

/// <summary>What was asked for, until it is done.</summary>
internal sealed class SimulatedContentEvent(string id, string type, DateTimeOffset dueAt, IReadOnlyList<SimulatedLicence> licences)
{
    public string Id => id;
    public string Type => type;
    public DateTimeOffset DueAt => dueAt;
    public IReadOnlyList<SimulatedLicence> Licences => licences;
    public bool Ended { get; set; }
    public List<(int Number, SimulatedLicence Licence)> Failures { get; } = [];
}

/// <summary>What a device management service has said of itself, and where it wants to be told of what.</summary>
internal sealed record SimulatedClientConfig(JsonObject? MdmInfo, string? Url, string? Secret, IReadOnlyList<string> Types);

/// <summary>The states of one kind of records. Each has a name that says nothing, as <c>versionId</c> carries it.</summary>
internal sealed class SimulatedVersions
{
    private readonly Dictionary<string, long> _known = new(StringComparer.Ordinal);
    private string? _name;

    public long Number { get; private set; } = 1;

    public string Name
    {
        get
        {
            if (_name is null) _known[_name = Guid.NewGuid().ToString("D")] = Number;
            return _name;
        }
    }

    /// <summary>Null: no such state was ever named.</summary>
    public long? NumberOf(string name) => _known.TryGetValue(name, out var number) ? number : null;

    public long Change()
    {
        _name = null;
        return ++Number;
    }
}

/// <summary>A location of Apple School Manager: what it owns, and who has it.</summary>
public sealed class SimulatedLocation
{
    private readonly TimeProvider _time;
    private readonly List<string> _ended = [];

    internal SimulatedLocation(string name, string organization, TimeProvider time)
    {
        (Name, Organization, _time) = (name, organization, time);
        Token = DownloadToken();
    }

    internal Lock Lock { get; } = new();

    public string UId { get; } = "2" + RandomNumberGenerator.GetString("0123456789", 15);
    public string Name { get; }
    public string Organization { get; }
    public string Country { get; init; } = "SE";

    /// <summary>The one that counts, as its file holds it.</summary>
    public string Token { get; private set; }

    public DateTimeOffset TokenExpiresAt { get; private set; }

    public JsonObject? MdmInfo => Config.MdmInfo;

    public string? NotificationUrl => Config.Url;

    internal SimulatedClientConfig Config { get; set; } = new(null, null, null, []);

    internal Dictionary<(string, string), SimulatedAsset> Assets { get; } = [];

    internal Dictionary<SimulatedLicence, long> Licences { get; } = [];

    internal Dictionary<string, SimulatedContentEvent> Events { get; } = [];

    internal SimulatedVersions OfAssets { get; } = new();

    internal SimulatedVersions OfLicences { get; } = new();

    /// <summary>Timestamps of the requests of the last second.</summary>
    internal Queue<DateTimeOffset> Requests { get; } = new();

    /// <summary>What a content manager downloads. The one before ends at that moment.</summary>
    public string DownloadToken(TimeSpan? lasts = null)
    {
        lock (Lock)
        {
            if (Token is not null) _ended.Add(Token);
            TokenExpiresAt = _time.GetUtcNow() + (lasts ?? TimeSpan.FromDays(365));
            var content = new JsonObject
            {
                ["token"] = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)),
                ["expDate"] = TokenExpiresAt.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'+0000'", System.Globalization.CultureInfo.InvariantCulture),
                ["orgName"] = Organization,
            };
            return Token = Convert.ToBase64String(Encoding.UTF8.GetBytes(content.ToJsonString()));
        }
    }

    /// <summary>Buys licences, or gives some back.</summary>
    public void Buy(SimulatedAsset asset, int count)
    {
        lock (Lock)
        {
            var standing = Assets.TryGetValue((asset.AdamId, asset.Pricing), out var known) ? known : Assets[(asset.AdamId, asset.Pricing)] = asset;
            standing.Total = Math.Max(standing.Total + count, 0);
            OfAssets.Change();
        }
    }

    /// <summary>As the portal, or another server, gives one.</summary>
    public void Give(string adamId, string serialNumber, string pricing = "STDQ")
    {
        lock (Lock)
        {
            Licences[new SimulatedLicence(adamId, pricing, serialNumber)] = OfLicences.Change();
            OfAssets.Change();
        }
    }

    /// <summary>As the portal, or another server, takes one back.</summary>
    public void Take(string adamId, string serialNumber, string pricing = "STDQ")
    {
        lock (Lock)
        {
            Licences.Remove(new SimulatedLicence(adamId, pricing, serialNumber));
            OfLicences.Change();
            OfAssets.Change();
        }
    }

    /// <summary>Another device management claims the location.</summary>
    public void ClaimFor(string id, string name)
    {
        lock (Lock) Config = Config with { MdmInfo = new JsonObject { ["id"] = id, ["name"] = name, ["metadata"] = name } };
    }

    /// <summary>Who has a licence, by serial number.</summary>
    public IReadOnlyList<string> Holders(string adamId)
    {
        lock (Lock) return [.. Licences.Keys.Where(one => one.AdamId == adamId).Select(one => one.SerialNumber).Order(StringComparer.Ordinal)];
    }

    internal int Assigned(SimulatedAsset asset) => Licences.Keys.Count(one => one.AdamId == asset.AdamId && one.Pricing == asset.Pricing);

    /// <returns>null: it counts; else the error.</returns>
    internal int? Judge(string token, DateTimeOffset now) => token == Token ? now >= TokenExpiresAt ? AppsAndBooksErrors.TokenEnded : null : AppsAndBooksErrors.TokenRevoked;

    internal bool Knows(string token) => token == Token || _ended.Contains(token);
}
