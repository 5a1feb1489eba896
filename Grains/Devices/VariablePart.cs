using FleetMdm.Protocol.Profiles;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.People;
using FleetMdm.Storage.Placeholders;

namespace FleetMdm.Grains.Devices;

/// <summary>The values of variables in profiles for one iPad: rules without a store, a clock or a grain.</summary>
internal static class VariablePart
{
    /// <summary>What a person has written of the iPad comes before what it says of itself, but for its name, which it has by now.</summary>
    /// <param name="row">The iPad.</param>
    /// <param name="placeholder">What the list of placeholders says of it.</param>
    /// <param name="person">Who has it; null: nobody.</param>
    public static Dictionary<string, string?> ValuesOf(DeviceRow row, Placeholder? placeholder, Person? person) => new(StringComparer.Ordinal)
    {
        [ProfileVariables.Serial] = row.SerialNumber,
        [ProfileVariables.Udid] = row.Udid,
        [ProfileVariables.Name] = row.DeviceName ?? placeholder?.Name,
        [ProfileVariables.Model] = row.Model,
        [ProfileVariables.ModelName] = row.ModelName,
        [ProfileVariables.Product] = row.ProductName,
        [ProfileVariables.OsVersion] = row.OsVersion,
        [ProfileVariables.School] = row.School ?? placeholder?.School,
        [ProfileVariables.AssetTag] = placeholder?.AssetTag,
        [ProfileVariables.Imei] = row.Imei,
        [ProfileVariables.EnrolmentId] = row.Id,
        [ProfileVariables.PersonName] = person is null ? null : $"{person.GivenName} {person.FamilyName}".Trim(),
        [ProfileVariables.PersonGivenName] = person?.GivenName,
        [ProfileVariables.PersonFamilyName] = person?.FamilyName,
        [ProfileVariables.PersonEmail] = person?.Email,
        [ProfileVariables.PersonUserName] = person?.Username,
        [ProfileVariables.PersonAccount] = person?.ManagedAccount,
        [ProfileVariables.PersonGrade] = person?.Grade,
        [ProfileVariables.PersonId] = person?.SourceId,
    };
}
