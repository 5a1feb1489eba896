using System.Globalization;
using FleetMdm.Api.Console;
using FleetMdm.Api.Operations;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Api.Devices;

/// <summary>The filter and the order of the console's list of iPads, as they stand in an address.</summary>
/// <param name="NotSeenFor">Days.</param>
/// <param name="Sort">As the REST list takes it; null: by name.</param>
/// <param name="Columns">Which are shown; null: the usual ones.</param>
public sealed record DeviceQuery(
    string? Q, string? Status, string? School, string? ProductName, string? OsVersion, string? NotSeenFor, string? Sort, string? Filter = null, string? Columns = null)
{
    public static readonly string[] Names = ["q", "status", "school", "productName", "osVersion", "notSeenFor", "sort", "filter", ColumnChoice.Query];

    private const int MostDays = 3650;

    public bool IsFiltered => AsTarget != new DeviceQuery(null, null, null, null, null, null, null);

    /// <summary>Which iPads, without how they are listed.</summary>
    public DeviceQuery AsTarget => this with { Sort = null, Columns = null };

    /// <summary>A field that is empty is not set: forms send all.</summary>
    public static DeviceQuery Of(Func<string, string?> field)
    {
        string? Value(string name) => string.IsNullOrWhiteSpace(field(name)) ? null : field(name)!.Trim();
        return new DeviceQuery(
            Value("q"), Value("status"), Value("school"), Value("productName"), Value("osVersion"), Value("notSeenFor"), Value("sort"), Value("filter"), Value(ColumnChoice.Query));
    }

    public static DeviceQuery Of(HttpRequest request) => Of(name => request.Query[name].FirstOrDefault());

    /// <exception cref="ApiProblem">A part cannot be understood.</exception>
    public DeviceFilter ToFilter(DateTimeOffset now) => new()
    {
        Query = Text.Optional("q", Q),
        Status = Text.Name<EnrolmentStatus>("status", Status),
        School = Text.Optional("school", School),
        ProductName = Text.Optional("productName", ProductName),
        OsVersion = Text.Optional("osVersion", OsVersion),
        SeenBefore = Before(now),
        Expression = DeviceFilters.Read("filter", Filter, now),
    };

    /// <summary>The same, as the target of an operation.</summary>
    public OperationTargetRequest Target(DateTimeOffset now)
    {
        var filter = ToFilter(now);
        return !IsFiltered
            ? new OperationTargetRequest { All = true }
            : new OperationTargetRequest
            {
                Filter = new DeviceFilterRequest
                {
                    Q = filter.Query,
                    Status = filter.Status?.ToString(),
                    School = filter.School,
                    ProductName = filter.ProductName,
                    OsVersion = filter.OsVersion,
                    SeenBefore = filter.SeenBefore,
                    Filter = Filter,
                },
            };
    }

    public DeviceOrder Order => Sort is null ? new DeviceOrder(DeviceSort.Name) : DeviceOrders.Read("sort", Sort);

    /// <summary>The parts that are set, by their names in an address.</summary>
    public IEnumerable<(string Name, string Value)> Parts()
    {
        foreach (var (name, value) in new[]
            {
                ("q", Q), ("status", Status), ("school", School), ("productName", ProductName), ("osVersion", OsVersion), ("notSeenFor", NotSeenFor), ("sort", Sort),
                ("filter", Filter), (ColumnChoice.Query, Columns),
            })
        {
            if (value is not null) yield return (name, value);
        }
    }

    /// <summary>Without one part of the filter.</summary>
    public DeviceQuery Without(string name) => Of(one => one == name ? null : Parts().FirstOrDefault(part => part.Name == one).Value);

    public string PathOf(string path, string? after = null)
    {
        var query = QueryString.Empty;
        foreach (var (name, value) in Parts()) query = query.Add(name, value);
        if (after is not null) query = query.Add("after", after);
        return path + query.ToUriComponent();
    }

    /// <summary>Of the export by REST, which names a time where this one names days.</summary>
    public string ExportPath(DateTimeOffset now)
    {
        var query = QueryString.Empty;
        foreach (var (name, value) in (this with { Sort = null, NotSeenFor = null, Columns = null }).Parts()) query = query.Add(name, value);
        if (Before(now) is { } before) query = query.Add("seenBefore", before.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        return "/api/v1/devices/export" + query.ToUriComponent();
    }

    private DateTimeOffset? Before(DateTimeOffset now) => NotSeenFor is null
        ? null
        : now.AddDays(-Text.Number("notSeenFor", NotSeenFor, 1, MostDays, 0));
}

/// <summary>The orders of the list of iPads.</summary>
internal static class DeviceOrders
{
    /// <summary>As in <c>name</c>; descending with a minus before it.</summary>
    public static DeviceOrder Read(string field, string? sort)
    {
        if (sort is null) return new DeviceOrder(DeviceSort.Id);
        var descending = sort.StartsWith('-');
        return (descending ? sort[1..] : sort) switch
        {
            "id" => new DeviceOrder(DeviceSort.Id, descending),
            "name" => new DeviceOrder(DeviceSort.Name, descending),
            "serialNumber" => new DeviceOrder(DeviceSort.SerialNumber, descending),
            "lastSeenAt" => new DeviceOrder(DeviceSort.LastSeen, descending),
            _ => throw ApiProblem.Field(field, "It must be id, name, serialNumber or lastSeenAt, with a minus before it for the other direction."),
        };
    }

    /// <exception cref="ApiProblem">It is no cursor of this order.</exception>
    public static void CheckCursor(string? after, DeviceOrder order)
    {
        if (after is not null && (DeviceCursor.IdOf(after, order) is not { } id || Text.EnrolmentId(id) is null))
            throw ApiProblem.Field("after", "It must be the \"next\" of a page in the same order.", ProblemCodes.InvalidCursor);
    }

    /// <summary>As in <c>1 iPad</c> and <c>1,204 iPads</c>.</summary>
    public static string IPads(long count) => Words.Count(count, "iPad", "iPads");
}
