namespace FleetMdm.Storage.Enrolment;

/// <summary>What a challenge that is noted now means for the one who asked.</summary>
internal static class IssueOutcomes
{
    /// <param name="publicKeyHash">Of the key for which the challenge was used.</param>
    /// <param name="certificate">The certificate that was issued for it.</param>
    public static IssueResult Of(IssueRequest request, byte[] publicKeyHash, IssuedCertificate certificate)
    {
        if (!publicKeyHash.AsSpan().SequenceEqual(request.PublicKeyHash))
            return new IssueResult(IssueOutcome.ChallengeUsed, null);
        // The same certificate: stored just now, or by an attempt whose answer was lost.
        return certificate.Sha256.AsSpan().SequenceEqual(request.Certificate.Sha256)
            ? new IssueResult(IssueOutcome.Issued, certificate)
            : new IssueResult(IssueOutcome.IssuedBefore, certificate);
    }
}
