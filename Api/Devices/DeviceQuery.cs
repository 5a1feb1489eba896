using System.Globalization;
using FleetMdm.Api.Console;
using FleetMdm.Api.Operations;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Filters;

namespace FleetMdm.Api.Devices;

/// <summary>The filter and the order of the console's list of iPads, as they stand in an address.</summary>
/// <param name="NotSeenFor">Days.</param>
/// <param name="Sort">As the REST list takes it; null: by name.</param>
/// <param name="Columns">Which are shown; null: the usual ones.</param>
public sealed record DeviceQuery(
    string? Q, string? Status, string? School, string? ProductName, string? OsVersion, string? NotSeenFor, string? Sort, string? Filter = null, string? Columns = null)
{
    /// <summary>Fields of the console that stand for a condition of the <see cref="Filter"/>: what the name in the address begins in the grammar.</summary>
    private static readonly (string Name, string Condition)[] Fields =
    [
        ("supervised", "supervised:"), ("osBelow", "os<"), ("storageFreeBelow", "storageFree<"), ("batteryBelow", "battery<"), ("passcodeCompliant", "passcodeCompliant:"),
        ("group", "group:"),
    ];

    public static readonly string[] Names =
        ["q", "status", "school", "productName", "osVersion", "notSeenFor", "sort", "filter", .. Fields.Select(field => field.Name), ColumnChoice.Query];

    private const int MostDays = 3650;

    /// <summary>yes or no.</summary>
    public string? Supervised { get; init; }
    /// <summary>A version.</summary>
    public string? OsBelow { get; init; }
    /// <summary>A size with its unit.</summary>
    public string? StorageFreeBelow { get; init; }
    /// <summary>Percent.</summary>
    public string? BatteryBelow { get; init; }
    /// <summary>yes or no.</summary>
    public string? PasscodeCompliant { get; init; }
    /// <summary>Its name.</summary>
    public string? Group { get; init; }

    public bool IsFiltered => AsTarget != new DeviceQuery(null, null, null, null, null, null, null);

    /// <summary>Which iPads, without how they are listed.</summary>
    public DeviceQuery AsTarget => this with { Sort = null, Columns = null };

    /// <summary>A field that is empty is not set: forms send all.</summary>
    public static DeviceQuery Of(Func<string, string?> field)
    {
        string? Value(string name) => string.IsNullOrWhiteSpace(field(name)) ? null : field(name)!.Trim();
        return new DeviceQuery(
            Value("q"), Value("status"), Value("school"), Value("productName"), Value("osVersion"), Value("notSeenFor"), Value("sort"), Value("filter"), Value(ColumnChoice.Query))
        {
            Supervised = Value("supervised"),
            OsBelow = Value("osBelow"),
            StorageFreeBelow = Value("storageFreeBelow"),
            BatteryBelow = Value("batteryBelow"),
            PasscodeCompliant = Value("passcodeCompliant"),
            Group = Value("group"),
        };
    }

    /// <summary>Of a form or an address that has one.</summary>
    public static IReadOnlyList<string> FieldNames { get; } = NamesAsked();

    private static List<string> NamesAsked()
    {
        var names = new List<string>();
        Of(name =>
        {
            names.Add(name);
            return null;
        });
        return names;
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
        Expression = Expression() is { } text ? DeviceExpression.Parse(text, now) : null,
    };

    /// <summary>The filter, and what the fields say beside it, as one text; null: neither says anything.</summary>
    /// <exception cref="ApiProblem">400, at the field that is to blame.</exception>
    private string? Expression()
    {
        var text = DeviceFilters.Check("filter", Filter);
        var node = text is null ? null : FilterParser.Parse(text);
        foreach (var (name, condition) in Fields)
        {
            if (Parts().FirstOrDefault(part => part.Name == name).Value is not { } value) continue;
            var further = Condition(name, condition, value);
            node = node is null ? further : new FilterAnd(node, further);
            text = FilterParser.Write(node);
        }

        return text is { Length: > FilterParser.LongestFilter } ? throw ApiProblem.Field("filter", "The filter is too long.", ProblemCodes.InvalidFilter) : text;
    }

    private static FilterNode Condition(string name, string condition, string value)
    {
        try
        {
            return FilterParser.Parse(condition + FilterParser.Quote(value));
        }
        catch (FilterException e)
        {
            throw ApiProblem.Field(name, e.Fault, ProblemCodes.InvalidFilter);
        }
    }

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
                    Filter = Expression(),
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
                ("filter", Filter), ("supervised", Supervised), ("osBelow", OsBelow), ("storageFreeBelow", StorageFreeBelow), ("batteryBelow", BatteryBelow),
                ("passcodeCompliant", PasscodeCompliant), ("group", Group), (ColumnChoice.Query, Columns),
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

    /// <summary>Of the export by REST, which names a time where this one names days, and a filter where this one has fields.</summary>
    public string ExportPath(DateTimeOffset now)
    {
        var query = QueryString.Empty;
        foreach (var (name, value) in (this with { Sort = null, NotSeenFor = null, Columns = null, Filter = Expression() }).Parts().Where(part => !Fields.Any(field => field.Name == part.Name)))
            query = query.Add(name, value);
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
