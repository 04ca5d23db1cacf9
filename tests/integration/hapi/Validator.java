import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.context.support.IValidationSupport.IssueSeverity;
import ca.uhn.fhir.parser.LenientErrorHandler;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.ResultSeverityEnum;
import ca.uhn.fhir.validation.SingleValidationMessage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.UnknownCodeSystemWarningValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.instance.model.api.IBaseResource;
import org.hl7.fhir.r4.model.Bundle;
import org.hl7.fhir.r4.model.CodeSystem;
import org.hl7.fhir.r4.model.ValueSet;

/**
 * HL7's rules for R4 over each *.json file of a folder: java Validator FOLDER.
 *
 * Prints one line an error (file, severity, place, message, with tabs between) and a last line with the
 * number of files. Nothing is asked of a terminology server: codes of systems that are not at hand
 * (LOINC, SNOMED CT, RxNorm) are not checked, those of FHIR, UCUM, and of the folder's own are.
 */
public final class Validator {
    private static void addOwn(PrePopulatedValidationSupport own, IBaseResource resource) {
        if (resource instanceof CodeSystem) {
            own.addCodeSystem(resource);
        } else if (resource instanceof ValueSet) {
            own.addValueSet(resource);
        } else if (resource instanceof Bundle) {
            ((Bundle) resource).getEntry().forEach(entry -> addOwn(own, entry.getResource()));
        }
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> all = Files.list(folder)) {
            return all.filter(path -> path.toString().endsWith(".json")).sorted().collect(Collectors.toList());
        }
    }

    public static void main(String[] arguments) throws IOException {
        FhirContext fhir = FhirContext.forR4();
        PrePopulatedValidationSupport own = new PrePopulatedValidationSupport(fhir);
        LenientErrorHandler lenient = new LenientErrorHandler(false).setErrorOnInvalidValue(false);
        List<Path> files = files(Path.of(arguments[0]));
        for (Path file : files) {
            addOwn(own, fhir.newJsonParser().setParserErrorHandler(lenient).parseResource(Files.readString(file)));
        }
        UnknownCodeSystemWarningValidationSupport unknown = new UnknownCodeSystemWarningValidationSupport(fhir);
        unknown.setNonExistentCodeSystemSeverity(IssueSeverity.WARNING);
        FhirValidator validator = fhir.newValidator();
        validator.registerValidatorModule(new FhirInstanceValidator(new ValidationSupportChain(
                new DefaultProfileValidationSupport(fhir), own, new CommonCodeSystemsTerminologyService(fhir),
                new InMemoryTerminologyServerValidationSupport(fhir), unknown)));
        for (Path file : files) {
            for (SingleValidationMessage found : validator.validateWithResult(Files.readString(file)).getMessages()) {
                if (found.getSeverity().compareTo(ResultSeverityEnum.ERROR) >= 0) {
                    System.out.println(String.join("\t", file.getFileName().toString(),
                            found.getSeverity().getCode(), String.valueOf(found.getLocationString()),
                            found.getMessage().replaceAll("\\s+", " ")));
                }
            }
        }
        System.out.println(files.size() + " files");
    }
}
