using FleetMdm.Api.Rest;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.Profiles;

namespace FleetMdm.Api.Commands;

/// <summary>A command must not take the iPad's own enrolment away: it would be lost to this server, and only a person at the iPad could bring it back.</summary>
internal static class OwnEnrolment
{
    /// <param name="field">Where the identifier stands.</param>
    /// <returns>With a warning, when it takes away a profile that an iPad may need to reach this server.</returns>
    /// <exception cref="ApiProblem">422: with the way that is meant.</exception>
    public static BuiltCommand Check(BuiltCommand command, string field = "/identifier")
    {
        // However it is spelt: an iPad that reads names more kindly than we do must not be lost by that.
        if (!command.RequestType.Equals("RemoveProfile", StringComparison.OrdinalIgnoreCase)) return command;
        foreach (var (key, value) in PlistReader.ReadDictionary(command.Fragment, PlistLimits.Admin))
        {
            if (!key.Equals("Identifier", StringComparison.OrdinalIgnoreCase) || value is not PlistString { Value: var identifier }) continue;
            if (identifier.Trim().Equals(EnrolmentProfile.Identifier, StringComparison.OrdinalIgnoreCase))
            {
                throw new ApiProblem(StatusCodes.Status422UnprocessableEntity, ProblemCodes.OwnEnrolment, "It would end the enrolment",
                    "This profile is the iPad's enrolment with this server. To end the management of an iPad, remove the iPad: DELETE /api/v1/devices/{id}.");
            }

            if (ProfileInspection.IsOwn(identifier))
            {
                return command with
                {
                    Warnings = [.. command.Warnings, new Finding(field,
                        "This is a profile of this server. An iPad that trusts the server by it cannot reach the server any more, and must be enrolled again.")],
                };
            }
        }

        return command;
    }
}
