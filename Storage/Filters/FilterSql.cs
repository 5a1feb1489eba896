using System.Globalization;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Inventory;

namespace FleetMdm.Storage.Filters;

/// <summary>
/// Turns a filter into a condition on <c>devices d</c> and <c>device_activity a</c>. Every value is a parameter. What is not known of an iPad fulfils no
/// condition; <c>not</c> is carried down to the conditions, so that an iPad fulfils either a condition or its opposite, and the others can use an index.
/// </summary>
internal sealed class FilterSql
{
    private readonly Database _database;
    private readonly DateTimeOffset _now;
    private readonly List<Action<Statement>> _binds = [];

    private FilterSql(Database database, DateTimeOffset now) => (_database, _now) = (database, now);

    public static (string Condition, Action<Statement> Bind) Of(FilterNode filter, DateTimeOffset now, Database database)
    {
        var sql = new FilterSql(database, now);
        return (sql.Condition(filter, negated: false), statement =>
        {
            foreach (var bind in sql._binds) bind(statement);
        }
        );
    }

    private string Condition(FilterNode node, bool negated) => node switch
    {
        FilterNot not => Condition(not.Inner, !negated),
        FilterAnd and => $"({Condition(and.Left, negated)} {(negated ? "OR" : "AND")} {Condition(and.Right, negated)})",
        FilterOr or => $"({Condition(or.Left, negated)} {(negated ? "AND" : "OR")} {Condition(or.Right, negated)})",
        FilterCondition condition => negated ? $"({Leaf(condition)}) IS NOT TRUE" : $"({Leaf(condition)})",
        _ => throw new ArgumentOutOfRangeException(nameof(node)),
    };

    private string Leaf(FilterCondition condition) => condition.Field switch
    {
        FilterField.Os => Version(condition.Operator, VersionNumber.Range(((FilterVersion)condition.Value).Text)!.Value),
        FilterField.Model => Text(condition) is var model ? $"d.product_name = {model} OR d.model = {model} OR d.model_name = {model}" : "",
        FilterField.Name => Contains(condition),
        FilterField.Serial => $"d.serial_number = {Text(condition)}",
        FilterField.School => $"d.school = {Text(condition)}",
        FilterField.Status => $"d.status = {Number((short)Enum.Parse<EnrolmentStatus>(TextOf(condition)))}",
        FilterField.Kind => $"d.kind = {Number((short)Enum.Parse<EnrolmentKind>(TextOf(condition)))}",
        FilterField.Supervised => $"d.is_supervised = {Flag(condition)}",
        FilterField.Battery => $"d.battery_level {Sign(condition.Operator)} {Real(NumberOf(condition) / 100)}",
        FilterField.Storage => $"d.device_capacity {Sign(condition.Operator)} {Real(NumberOf(condition))}",
        FilterField.StorageFree => $"d.available_device_capacity {Sign(condition.Operator)} {Real(NumberOf(condition))}",
        FilterField.LastSeen => LastSeen(condition.Operator, Time(_now - AgeOf(condition))),
        FilterField.HasApp => Has(InventoryList.Apps, Text(condition)),
        FilterField.MissingApp => Missing(InventoryList.Apps, Text(condition)),
        FilterField.HasProfile => Has(InventoryList.Profiles, Text(condition)),
        FilterField.MissingProfile => Missing(InventoryList.Profiles, Text(condition)),
        FilterField.PasscodeCompliant =>
            $"EXISTS (SELECT 1 FROM inventory_items t WHERE t.device_id = d.id AND t.list = {(short)InventoryList.Security} AND t.key = 'PasscodeCompliant' AND t.value = {(FlagOf(condition) ? "'true'" : "'false'")})",
        FilterField.CertificateExpires =>
            $"EXISTS (SELECT 1 FROM inventory_items t WHERE t.device_id = d.id AND t.list = {(short)InventoryList.Certificates} AND t.expires_at {Sign(condition.Operator)} {Time(_now + AgeOf(condition))})",
        _ => throw new ArgumentOutOfRangeException(nameof(condition)),
    };

    private string Version(FilterOperator sign, (long From, long To) range) => sign switch
    {
        FilterOperator.Less => $"d.os_number < {Long(range.From)}",
        FilterOperator.LessOrEqual => $"d.os_number < {Long(range.To)}",
        FilterOperator.Greater => $"d.os_number >= {Long(range.To)}",
        FilterOperator.GreaterOrEqual => $"d.os_number >= {Long(range.From)}",
        _ => $"d.os_number >= {Long(range.From)} AND d.os_number < {Long(range.To)}",
    };

    /// <summary>Silent for longer: as <see cref="DeviceFilter.SeenBefore"/>, never one that was not seen yet, or that enrolled since.</summary>
    private static string LastSeen(FilterOperator sign, string time) => sign is FilterOperator.Greater or FilterOperator.GreaterOrEqual
        ? $"a.last_seen_at < {time} AND (d.authenticated_at IS NULL OR d.authenticated_at < {time}) AND (d.enrolled_at IS NULL OR d.enrolled_at < {time})"
        : $"a.last_seen_at > {time}";

    private static string Has(InventoryList list, string key) =>
        $"EXISTS (SELECT 1 FROM inventory_items t WHERE t.device_id = d.id AND t.list = {(short)list} AND t.key = {key})";

    /// <summary>Of an iPad that has not told the list, nobody knows.</summary>
    private static string Missing(InventoryList list, string key) =>
        $"EXISTS (SELECT 1 FROM inventory_lists l WHERE l.device_id = d.id AND l.list = {(short)list}) AND NOT {Has(list, key)}";

    /// <summary>As <see cref="DeviceFilter.Query"/> looks.</summary>
    private string Contains(FilterCondition condition) => _database.Search(Add(
        (statement, name) => statement.Text(name, TextOf(condition).ToLowerInvariant())));

    private static string Sign(FilterOperator sign) => sign switch
    {
        FilterOperator.Less => "<",
        FilterOperator.LessOrEqual => "<=",
        FilterOperator.Greater => ">",
        FilterOperator.GreaterOrEqual => ">=",
        _ => "=",
    };

    private static string TextOf(FilterCondition condition) => ((FilterText)condition.Value).Text;

    private static double NumberOf(FilterCondition condition) => ((FilterNumber)condition.Value).Number;

    private static TimeSpan AgeOf(FilterCondition condition) => ((FilterAge)condition.Value).Age;

    private static bool FlagOf(FilterCondition condition) => ((FilterFlag)condition.Value).Flag;

    private string Text(FilterCondition condition) => Add((statement, name) => statement.Text(name, TextOf(condition)));

    private string Flag(FilterCondition condition) => Add((statement, name) => statement.Bool(name, FlagOf(condition)));

    private string Long(long value) => Add((statement, name) => statement.Long(name, value));

    private string Number(short value) => Add((statement, name) => statement.Short(name, value));

    private string Real(double value) => Add((statement, name) => statement.Double(name, value));

    private string Time(DateTimeOffset value) => Add((statement, name) => statement.Time(name, value));

    private string Add(Action<Statement, string> bind)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"@f{_binds.Count}");
        _binds.Add(statement => bind(statement, name));
        return name;
    }
}
